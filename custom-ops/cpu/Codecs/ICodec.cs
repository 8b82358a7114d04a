namespace OnnxEff.CustomOps.Cpu;

/// <summary>How floats are stored. Kernels compute in fp32 and are compiled once per codec.</summary>
public unsafe interface ICodec<TStored> : IReader<TStored> where TStored : unmanaged
{
    /// <summary>True when asking <see cref="AllFinite"/> first is worth what <see cref="LoadFinite"/> saves.</summary>
    static abstract bool FiniteIsFaster { get; }

    /// <summary>True when no element is infinite or NaN.</summary>
    static abstract bool AllFinite<TLanes>(TStored* source, long count) where TLanes : unmanaged, ILanes<TLanes>;

    /// <summary>Reads a vector of elements that are neither infinite nor NaN.</summary>
    static abstract TLanes LoadFinite<TLanes>(TStored* source) where TLanes : unmanaged, ILanes<TLanes>;

    /// <summary>The elements as floats: the source itself where it holds floats, else <paramref name="buffer"/>, filled.</summary>
    static abstract float* Expand<TLanes>(TStored* source, long count, float* buffer) where TLanes : unmanaged, ILanes<TLanes>;

    /// <summary>Rounds floats to the stored form.</summary>
    static abstract void Write<TLanes>(float* source, int count, TStored* target) where TLanes : unmanaged, ILanes<TLanes>;
}
