using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The two products of the streaming strategy for four rows of queries.</summary>
static unsafe class StreamProducts<TLanes, TCodec, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TCodec : ICodec<TStored>
    where TStored : unmanaged
{
    /// <summary>scores[key][row] = q[row]·keys[key]; two keys and four rows are eight accumulators.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Score(float* q, TStored* keys, int count, int d, float* scores)
    {
        float* q1 = q + d, q2 = q1 + d, q3 = q2 + d;
        int whole = d / TLanes.Count * TLanes.Count;
        for (int key = 0; key < count; key += 2)
        {
            TStored* x = keys + (long)key * d, y = key + 1 < count ? x + d : x;
            TLanes x0 = default, x1 = default, x2 = default, x3 = default, y0 = default, y1 = default, y2 = default, y3 = default;
            for (int i = 0; i < whole; i += TLanes.Count)
            {
                TLanes a = TCodec.Load<TLanes>(x + i), b = TCodec.Load<TLanes>(y + i), row = TLanes.Load(q + i);
                x0 = TLanes.MultiplyAdd(row, a, x0);
                y0 = TLanes.MultiplyAdd(row, b, y0);
                row = TLanes.Load(q1 + i);
                x1 = TLanes.MultiplyAdd(row, a, x1);
                y1 = TLanes.MultiplyAdd(row, b, y1);
                row = TLanes.Load(q2 + i);
                x2 = TLanes.MultiplyAdd(row, a, x2);
                y2 = TLanes.MultiplyAdd(row, b, y2);
                row = TLanes.Load(q3 + i);
                x3 = TLanes.MultiplyAdd(row, a, x3);
                y3 = TLanes.MultiplyAdd(row, b, y3);
            }
            (TLanes.Sum4(x0, x1, x2, x3) + Tail(q, x, whole, d)).Store(scores + 4L * key);
            if (key + 1 < count) (TLanes.Sum4(y0, y1, y2, y3) + Tail(q, y, whole, d)).Store(scores + 4L * key + 4);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> Tail(float* q, TStored* key, int from, int d)
    {
        Vector128<float> sum = default;
        for (int i = from; i < d; i++)
            sum += Vector128.Create(q[i], q[d + i], q[2 * d + i], q[3 * d + i]) * TCodec.Read(key[i]);
        return sum;
    }

    /// <summary>o[row] += Σ weights[key][row] · values[key]; two vectors and four rows are eight accumulators.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Mix(float* weights, TStored* values, int count, int d, float* o)
    {
        int n = TLanes.Count, i = 0;
        for (; i + 2 * n <= d; i += 2 * n)
        {
            float* o0 = o + i, o1 = o0 + d, o2 = o1 + d, o3 = o2 + d;
            TLanes a0 = TLanes.Load(o0), a1 = TLanes.Load(o1), a2 = TLanes.Load(o2), a3 = TLanes.Load(o3);
            TLanes b0 = TLanes.Load(o0 + n), b1 = TLanes.Load(o1 + n), b2 = TLanes.Load(o2 + n), b3 = TLanes.Load(o3 + n);
            TStored* v = values + i;
            for (float* w = weights, end = weights + 4L * count; w < end; w += 4, v += d)
            {
                TLanes a = TCodec.Load<TLanes>(v), b = TCodec.Load<TLanes>(v + n), weight = TLanes.Create(w[0]);
                a0 = TLanes.MultiplyAdd(weight, a, a0);
                b0 = TLanes.MultiplyAdd(weight, b, b0);
                weight = TLanes.Create(w[1]);
                a1 = TLanes.MultiplyAdd(weight, a, a1);
                b1 = TLanes.MultiplyAdd(weight, b, b1);
                weight = TLanes.Create(w[2]);
                a2 = TLanes.MultiplyAdd(weight, a, a2);
                b2 = TLanes.MultiplyAdd(weight, b, b2);
                weight = TLanes.Create(w[3]);
                a3 = TLanes.MultiplyAdd(weight, a, a3);
                b3 = TLanes.MultiplyAdd(weight, b, b3);
            }
            StoreTwo(a0, b0, o0);
            StoreTwo(a1, b1, o1);
            StoreTwo(a2, b2, o2);
            StoreTwo(a3, b3, o3);
        }
        if (i < d) MixRest(weights, values, count, d, i, o);
    }

    static void MixRest(float* weights, TStored* values, int count, int d, int from, float* o)
    {
        for (int key = 0; key < count; key++, weights += 4, values += d)
            for (int r = 0; r < 4; r++)
            {
                int i = from;
                for (; i + TLanes.Count <= d; i += TLanes.Count)
                {
                    float* at = o + (long)r * d + i;
                    TLanes.Store(TLanes.MultiplyAdd(TLanes.Create(weights[r]), TCodec.Load<TLanes>(values + i), TLanes.Load(at)), at);
                }
                for (; i < d; i++) o[(long)r * d + i] += weights[r] * TCodec.Read(values[i]);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreTwo(TLanes a, TLanes b, float* target)
    {
        TLanes.Store(a, target);
        TLanes.Store(b, target + TLanes.Count);
    }
}
