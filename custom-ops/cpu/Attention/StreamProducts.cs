using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The two products of the streaming strategy for four rows of queries.</summary>
static unsafe class StreamProducts<TLanes, TReader, TStored>
    where TLanes : unmanaged, ILanes<TLanes>
    where TReader : IReader<TStored>
    where TStored : unmanaged
{
    // Rows are read in the order in which they lie, which is what the processor's prefetchers follow. They stop at the end of a
    // page, and between the two products: rows are also asked for a page ahead, 200 ns at 20 GB/s, a line or two beside each
    // step of the products, since more at once than the core has buffers for misses would hold up what follows.
    const long Ahead = 4096;

    /// <summary>scores[key][row] = q[row]·keys[key]; four rows of two keys are eight accumulators, and queries are loaded once for both.</summary>
    /// <param name="q">[4][D]</param>
    /// <param name="keys">[count][D]</param>
    /// <param name="count">Number of keys.</param>
    /// <param name="d">D.</param>
    /// <param name="scores">[count][4], with room for an even count.</param>
    /// <param name="fetch">Whether the keys come from memory, not from the caches.</param>
    public static void Score(float* q, TStored* keys, int count, int d, float* scores, bool fetch)
    {
        int whole = d / TLanes.Count * TLanes.Count;
        ScoreTwos(q, keys, count, d, whole, scores, fetch);
        if (whole < d) AddTails(q, keys, count, d, whole, scores);
    }

    // Nothing is called in here: accumulators would be kept in memory all the way for it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void ScoreTwos(float* q, TStored* keys, int count, int d, int whole, float* scores, bool fetch)
    {
        float* q1 = q + d, q2 = q1 + d, q3 = q2 + d;
        long ahead = fetch ? Ahead : 0;
        for (int key = 0; key < count; key += 2, keys += 2 * d, scores += 8)
        {
            TStored* other = key + 1 < count ? keys + d : keys;
            byte* next = (byte*)keys + ahead;
            TLanes x0 = default, x1 = default, x2 = default, x3 = default, y0 = default, y1 = default, y2 = default, y3 = default;
            for (int i = 0; i < whole; i += TLanes.Count, next += 2 * TLanes.Count * sizeof(TStored))
            {
                Prefetch.Lines(next, 2 * TLanes.Count * sizeof(TStored));
                TLanes a = TReader.Load<TLanes>(keys + i), b = TReader.Load<TLanes>(other + i), row = TLanes.Load(q + i);
                x0 = TLanes.MultiplyAdd(a, row, x0);
                y0 = TLanes.MultiplyAdd(b, row, y0);
                row = TLanes.Load(q1 + i);
                x1 = TLanes.MultiplyAdd(a, row, x1);
                y1 = TLanes.MultiplyAdd(b, row, y1);
                row = TLanes.Load(q2 + i);
                x2 = TLanes.MultiplyAdd(a, row, x2);
                y2 = TLanes.MultiplyAdd(b, row, y2);
                row = TLanes.Load(q3 + i);
                x3 = TLanes.MultiplyAdd(a, row, x3);
                y3 = TLanes.MultiplyAdd(b, row, y3);
            }
            TLanes.Sum4(x0, x1, x2, x3).Store(scores);
            TLanes.Sum4(y0, y1, y2, y3).Store(scores + 4);
        }
    }

    // What is left of rows that vectors do not divide.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void AddTails(float* q, TStored* keys, int count, int d, int from, float* scores)
    {
        for (int key = 0; key < count; key++, keys += d, scores += 4)
        {
            Vector128<float> sum = Vector128.Load(scores);
            for (int i = from; i < d; i++)
                sum += Vector128.Create(q[i], q[d + i], q[2 * d + i], q[3 * d + i]) * TReader.Read(keys[i]);
            sum.Store(scores);
        }
    }

    /// <summary>o[row] += Σ weights[key][row] · values[key], columns of values in as many vectors as the registers hold for four rows.</summary>
    /// <param name="weights">[count][4]</param>
    /// <param name="values">[count][D]</param>
    /// <param name="count">Number of keys.</param>
    /// <param name="d">D.</param>
    /// <param name="o">[4][D]</param>
    /// <param name="fetch">Whether the values come from memory, not from the caches.</param>
    public static void Mix(float* weights, TStored* values, int count, int d, float* o, bool fetch)
    {
        bool wide = TLanes.Count == V512.Count; // That level has 32 registers: sixteen accumulators and what they need.
        int n = TLanes.Count, i = 0;
        for (; wide && i + 4 * n <= d; i += 4 * n) MixFour(weights, values + i, count, d, o + i, fetch);
        for (; i + 2 * n <= d; i += 2 * n) MixTwo(weights, values + i, count, d, o + i, fetch);
        if (i < d) MixRest(weights, values, count, d, i, o);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void MixFour(float* weights, TStored* values, int count, int d, float* o, bool fetch)
    {
        int n = TLanes.Count;
        long ahead = fetch ? Ahead : 0;
        float* o1 = o + d, o2 = o1 + d, o3 = o2 + d;
        TLanes a0 = TLanes.Load(o), b0 = TLanes.Load(o + n), c0 = TLanes.Load(o + 2 * n), d0 = TLanes.Load(o + 3 * n);
        TLanes a1 = TLanes.Load(o1), b1 = TLanes.Load(o1 + n), c1 = TLanes.Load(o1 + 2 * n), d1 = TLanes.Load(o1 + 3 * n);
        TLanes a2 = TLanes.Load(o2), b2 = TLanes.Load(o2 + n), c2 = TLanes.Load(o2 + 2 * n), d2 = TLanes.Load(o2 + 3 * n);
        TLanes a3 = TLanes.Load(o3), b3 = TLanes.Load(o3 + n), c3 = TLanes.Load(o3 + 2 * n), d3 = TLanes.Load(o3 + 3 * n);
        for (float* w = weights, end = weights + 4L * count; w < end; w += 4, values += d)
        {
            Prefetch.Lines((byte*)values + ahead, 4 * TLanes.Count * sizeof(TStored));
            TLanes va = TReader.Load<TLanes>(values), vb = TReader.Load<TLanes>(values + n);
            TLanes vc = TReader.Load<TLanes>(values + 2 * n), vd = TReader.Load<TLanes>(values + 3 * n);
            TLanes weight = TLanes.Create(w[0]);
            a0 = TLanes.MultiplyAdd(weight, va, a0);
            b0 = TLanes.MultiplyAdd(weight, vb, b0);
            c0 = TLanes.MultiplyAdd(weight, vc, c0);
            d0 = TLanes.MultiplyAdd(weight, vd, d0);
            weight = TLanes.Create(w[1]);
            a1 = TLanes.MultiplyAdd(weight, va, a1);
            b1 = TLanes.MultiplyAdd(weight, vb, b1);
            c1 = TLanes.MultiplyAdd(weight, vc, c1);
            d1 = TLanes.MultiplyAdd(weight, vd, d1);
            weight = TLanes.Create(w[2]);
            a2 = TLanes.MultiplyAdd(weight, va, a2);
            b2 = TLanes.MultiplyAdd(weight, vb, b2);
            c2 = TLanes.MultiplyAdd(weight, vc, c2);
            d2 = TLanes.MultiplyAdd(weight, vd, d2);
            weight = TLanes.Create(w[3]);
            a3 = TLanes.MultiplyAdd(weight, va, a3);
            b3 = TLanes.MultiplyAdd(weight, vb, b3);
            c3 = TLanes.MultiplyAdd(weight, vc, c3);
            d3 = TLanes.MultiplyAdd(weight, vd, d3);
        }
        StoreTwo(a0, b0, o);
        StoreTwo(c0, d0, o + 2 * n);
        StoreTwo(a1, b1, o1);
        StoreTwo(c1, d1, o1 + 2 * n);
        StoreTwo(a2, b2, o2);
        StoreTwo(c2, d2, o2 + 2 * n);
        StoreTwo(a3, b3, o3);
        StoreTwo(c3, d3, o3 + 2 * n);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void MixTwo(float* weights, TStored* values, int count, int d, float* o, bool fetch)
    {
        int n = TLanes.Count;
        long ahead = fetch ? Ahead : 0;
        float* o1 = o + d, o2 = o1 + d, o3 = o2 + d;
        TLanes a0 = TLanes.Load(o), b0 = TLanes.Load(o + n), a1 = TLanes.Load(o1), b1 = TLanes.Load(o1 + n);
        TLanes a2 = TLanes.Load(o2), b2 = TLanes.Load(o2 + n), a3 = TLanes.Load(o3), b3 = TLanes.Load(o3 + n);
        for (float* w = weights, end = weights + 4L * count; w < end; w += 4, values += d)
        {
            Prefetch.Lines((byte*)values + ahead, 2 * TLanes.Count * sizeof(TStored));
            TLanes va = TReader.Load<TLanes>(values), vb = TReader.Load<TLanes>(values + n);
            TLanes weight = TLanes.Create(w[0]);
            a0 = TLanes.MultiplyAdd(weight, va, a0);
            b0 = TLanes.MultiplyAdd(weight, vb, b0);
            weight = TLanes.Create(w[1]);
            a1 = TLanes.MultiplyAdd(weight, va, a1);
            b1 = TLanes.MultiplyAdd(weight, vb, b1);
            weight = TLanes.Create(w[2]);
            a2 = TLanes.MultiplyAdd(weight, va, a2);
            b2 = TLanes.MultiplyAdd(weight, vb, b2);
            weight = TLanes.Create(w[3]);
            a3 = TLanes.MultiplyAdd(weight, va, a3);
            b3 = TLanes.MultiplyAdd(weight, vb, b3);
        }
        StoreTwo(a0, b0, o);
        StoreTwo(a1, b1, o1);
        StoreTwo(a2, b2, o2);
        StoreTwo(a3, b3, o3);
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
                    TLanes.Store(TLanes.MultiplyAdd(TLanes.Create(weights[r]), TReader.Load<TLanes>(values + i), TLanes.Load(at)), at);
                }
                for (; i < d; i++) o[(long)r * d + i] += weights[r] * TReader.Read(values[i]);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreTwo(TLanes a, TLanes b, float* target)
    {
        TLanes.Store(a, target);
        TLanes.Store(b, target + TLanes.Count);
    }
}
