using System.Runtime.CompilerServices;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Floats cut to their upper half.</summary>
public readonly unsafe struct BFloatCodec : ICodec<BFloat16>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Read(BFloat16 stored) => (float)stored;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(BFloat16* source) where TLanes : unmanaged, ILanes<TLanes> => TLanes.LoadBFloat((ushort*)source);

    /// <inheritdoc/>
    public static bool FiniteIsFaster => false;

    /// <inheritdoc/>
    public static bool AllFinite<TLanes>(BFloat16* source, long count) where TLanes : unmanaged, ILanes<TLanes>
    {
        float rest = 0;
        TLanes zero = default, sum = default;
        long i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) sum = TLanes.MultiplyAdd(Load<TLanes>(source + i), zero, sum);
        for (; i < count; i++) rest += (float)source[i] * 0;
        return rest == 0 && !TLanes.AnyDiffers(sum, zero);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes LoadFinite<TLanes>(BFloat16* source) where TLanes : unmanaged, ILanes<TLanes> => Load<TLanes>(source);

    /// <inheritdoc/>
    public static float* Expand<TLanes>(BFloat16* source, long count, float* buffer) where TLanes : unmanaged, ILanes<TLanes>
    {
        long i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) TLanes.Store(Load<TLanes>(source + i), buffer + i);
        for (; i < count; i++) buffer[i] = (float)source[i];
        return buffer;
    }

    /// <inheritdoc/>
    public static void Write<TLanes>(float* source, int count, BFloat16* target) where TLanes : unmanaged, ILanes<TLanes>
    {
        int i = 0;
        for (; i + TLanes.Count <= count; i += TLanes.Count) TLanes.StoreBFloat(TLanes.Load(source + i), (ushort*)(target + i));
        for (; i < count; i++) target[i] = (BFloat16)source[i];
    }
}
