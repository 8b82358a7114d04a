namespace OnnxEff.CustomOps.Cpu;

/// <summary>Heads of new tokens as floats, rotated to their position.</summary>
static unsafe class TokenRows<TLanes, TCodec, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    /// <summary>target[D] = scale · rotate(source[D]) for token s of row b.</summary>
    /// <param name="call">The call.</param>
    /// <param name="source">One head of the token.</param>
    /// <param name="b">Batch row.</param>
    /// <param name="s">Token of the row.</param>
    /// <param name="scale">Factor of the result.</param>
    /// <param name="target">D floats.</param>
    /// <param name="angles">Scratch of R floats.</param>
    public static void Rotated(AttentionCall<TStored> call, TStored* source, int b, int s, float scale, float* target, float* angles)
    {
        int d = call.HeadSize, pairs = call.RotaryPairs;
        float* x = TCodec.Expand<TLanes>(source, d, target);
        if (pairs > 0)
        {
            if (x != target) new ReadOnlySpan<float>(x, d).CopyTo(new Span<float>(target, d));
            x = target;
            (nint cosAt, nint sinAt) = call.Angles(b, s);
            float* cos = TCodec.Expand<TLanes>((TStored*)cosAt, pairs, angles);
            float* sin = TCodec.Expand<TLanes>((TStored*)sinAt, pairs, angles + pairs);
            if (call.RotaryInterleaved) RotateNeighbours(target, cos, sin, pairs);
            else RotateHalves(target, cos, sin, pairs);
        }
        LaneMath<TLanes>.Scale(x, d, scale, target);
    }

    static void RotateHalves(float* x, float* cos, float* sin, int pairs)
    {
        float* y = x + pairs;
        int i = 0;
        for (; i + TLanes.Count <= pairs; i += TLanes.Count)
        {
            TLanes a = TLanes.Load(x + i), b = TLanes.Load(y + i), c = TLanes.Load(cos + i), s = TLanes.Load(sin + i);
            TLanes.Store(TLanes.Subtract(TLanes.Multiply(a, c), TLanes.Multiply(b, s)), x + i);
            TLanes.Store(TLanes.MultiplyAdd(b, c, TLanes.Multiply(a, s)), y + i);
        }
        for (; i < pairs; i++) (x[i], y[i]) = (x[i] * cos[i] - y[i] * sin[i], y[i] * cos[i] + x[i] * sin[i]);
    }

    static void RotateNeighbours(float* x, float* cos, float* sin, int pairs)
    {
        for (int i = 0; i < pairs; i++)
            (x[2 * i], x[2 * i + 1]) = (x[2 * i] * cos[i] - x[2 * i + 1] * sin[i], x[2 * i + 1] * cos[i] + x[2 * i] * sin[i]);
    }
}
