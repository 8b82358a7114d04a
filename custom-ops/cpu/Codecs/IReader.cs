namespace OnnxEff.CustomOps.Cpu;

/// <summary>How stored elements become floats.</summary>
public unsafe interface IReader<TStored> where TStored : unmanaged
{
    /// <summary>Reads one element.</summary>
    static abstract float Read(TStored stored);

    /// <summary>Reads a vector of elements.</summary>
    static abstract TLanes Load<TLanes>(TStored* source) where TLanes : unmanaged, ILanes<TLanes>;
}
