using System.Runtime.CompilerServices;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>fp32 stored as it is.</summary>
public readonly unsafe struct SingleCodec : ICodec<float>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Read(float stored) => stored;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(float* source) where TLanes : unmanaged, ILanes<TLanes> => TLanes.Load(source);

    /// <inheritdoc/>
    public static bool FiniteIsFaster => false;

    /// <inheritdoc/>
    public static bool AllFinite<TLanes>(float* source, long count) where TLanes : unmanaged, ILanes<TLanes> =>
        LaneMath<TLanes>.AllFinite(source, count);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes LoadFinite<TLanes>(float* source) where TLanes : unmanaged, ILanes<TLanes> => Load<TLanes>(source);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Expand<TLanes>(float* source, long count, float* buffer) where TLanes : unmanaged, ILanes<TLanes> => source;

    /// <inheritdoc/>
    public static void Write<TLanes>(float* source, int count, float* target) where TLanes : unmanaged, ILanes<TLanes> =>
        Unsafe.CopyBlockUnaligned(target, source, (uint)count * sizeof(float));
}
