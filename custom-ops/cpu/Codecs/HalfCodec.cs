using System.Runtime.CompilerServices;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>IEEE half floats.</summary>
public readonly unsafe struct HalfCodec : ICodec<Half>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Read(Half stored) => (float)stored;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(Half* source) where TLanes : unmanaged, ILanes<TLanes> => TLanes.LoadHalf((ushort*)source);

    /// <inheritdoc/>
    public static bool FiniteIsFaster => true;

    /// <inheritdoc/>
    public static bool AllFinite<TLanes>(Half* source, long count) where TLanes : unmanaged, ILanes<TLanes> =>
        TLanes.AllFiniteHalves((ushort*)source, count);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes LoadFinite<TLanes>(Half* source) where TLanes : unmanaged, ILanes<TLanes> => TLanes.LoadFiniteHalf((ushort*)source);

    /// <inheritdoc/>
    public static float* Expand<TLanes>(Half* source, long count, float* buffer) where TLanes : unmanaged, ILanes<TLanes>
    {
        long i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) TLanes.Store(Load<TLanes>(source + i), buffer + i);
        for (; i < count; i++) buffer[i] = (float)source[i];
        return buffer;
    }

    /// <inheritdoc/>
    public static void Write<TLanes>(float* source, int count, Half* target) where TLanes : unmanaged, ILanes<TLanes>
    {
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) TLanes.StoreHalf(TLanes.Load(source + i), (ushort*)(target + i));
        for (; i < count; i++) target[i] = (Half)source[i];
    }
}
