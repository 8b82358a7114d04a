using System.Runtime.CompilerServices;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Reads what a codec stored where <see cref="ICodec{TStored}.AllFinite"/> holds.</summary>
readonly unsafe struct Finite<TCodec, TStored> : IReader<TStored>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Read(TStored stored) => TCodec.Read(stored);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(TStored* source) where TLanes : unmanaged, ILanes<TLanes> => TCodec.LoadFinite<TLanes>(source);
}
