namespace OnnxEff.CustomOps.Cpu;

/// <summary>How floats are stored. Kernels compute in fp32 and are compiled once per codec.</summary>
public unsafe interface ICodec<TStored> where TStored : unmanaged
{
    /// <summary>Reads one element.</summary>
    static abstract float Read(TStored stored);

    /// <summary>Reads a vector of elements.</summary>
    static abstract TLanes Load<TLanes>(TStored* source) where TLanes : unmanaged, ILanes<TLanes>;

    /// <summary>The elements as floats: the source itself where it holds floats, else <paramref name="buffer"/>, filled.</summary>
    static abstract float* Expand<TLanes>(TStored* source, long count, float* buffer) where TLanes : unmanaged, ILanes<TLanes>;

    /// <summary>Rounds floats to the stored form.</summary>
    static abstract void Write<TLanes>(float* source, int count, TStored* target) where TLanes : unmanaged, ILanes<TLanes>;
}
