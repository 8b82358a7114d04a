namespace OnnxEff.CustomOps.Cpu;

/// <summary>The online softmax of a panel: scores [keys][Width] with one query per lane.</summary>
static unsafe class PanelSoftmax<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>Raises the running maxima [Width] over the scores of <paramref name="keys"/> keys into <paramref name="raised"/>.</summary>
    public static void Raise(float* scores, int keys, float* maxima, float* raised)
    {
        int n = TLanes.Count;
        TLanes m0 = TLanes.Load(maxima), m1 = TLanes.Load(maxima + n), m2 = TLanes.Load(maxima + 2 * n);
        for (float* end = scores + (long)keys * 3 * n; scores < end; scores += 3 * n)
        {
            m0 = TLanes.Max(m0, TLanes.Load(scores));
            m1 = TLanes.Max(m1, TLanes.Load(scores + n));
            m2 = TLanes.Max(m2, TLanes.Load(scores + 2 * n));
        }
        TLanes.Store(m0, raised);
        TLanes.Store(m1, raised + n);
        TLanes.Store(m2, raised + 2 * n);
    }

    /// <summary>Applies c·tanh(x/c) to all scores.</summary>
    public static void Softcap(float* scores, int keys, float cap)
    {
        TLanes c = TLanes.Create(cap), twoOverCap = TLanes.Create(2 / cap);
        for (float* end = scores + (long)keys * Panel<TLanes>.Width; scores < end; scores += TLanes.Count)
            TLanes.Store(LaneMath<TLanes>.Softcap(TLanes.Load(scores), c, twoOverCap), scores);
    }

    /// <summary>scores[key][lane] += slopes[lane] · (key + distances[lane]).</summary>
    public static void AddSlopes(float* scores, int keys, float* slopes, float* distances)
    {
        int n = TLanes.Count;
        for (int key = 0; key < keys; key++)
        {
            TLanes k = TLanes.Create(key);
            for (int i = 0; i < 3 * n; i += n, scores += n)
            {
                TLanes distance = TLanes.Add(k, TLanes.Load(distances + i));
                TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(slopes + i), distance, TLanes.Load(scores)), scores);
            }
        }
    }

    /// <summary>Hides keys by key_mask (a byte per key) and keys outside of each lane's [from, to).</summary>
    public static void Hide(float* scores, int keys, byte* mask, float* from, float* to)
    {
        int n = TLanes.Count;
        TLanes hidden = TLanes.Create(float.NegativeInfinity);
        for (int key = 0; key < keys; key++, scores += 3 * n)
        {
            bool all = mask != null && mask[key] == 0;
            TLanes k = TLanes.Create(key);
            for (int i = 0; i < 3 * n; i += n)
            {
                TLanes x = all ? hidden : TLanes.Load(scores + i);
                x = TLanes.SelectLess(k, TLanes.Load(from + i), hidden, x);
                TLanes.Store(TLanes.SelectLess(k, TLanes.Load(to + i), x, hidden), scores + i);
            }
        }
    }

    /// <summary>Hides key k from the lanes whose bit k is not set; at most 64 keys, of which low has the first 32.</summary>
    public static void HideByBits(float* scores, int keys, int* low, int* high)
    {
        int n = TLanes.Count;
        TLanes hidden = TLanes.Create(float.NegativeInfinity);
        for (int key = 0; key < keys; key++, scores += 3 * n)
        {
            int* words = key < 32 ? low : high;
            for (int i = 0; i < 3 * n; i += n) TLanes.Store(TLanes.SelectBit(words + i, key % 32, TLanes.Load(scores + i), hidden), scores + i);
        }
    }

    /// <summary>scores = exp(scores - maxima), sums += their sum over the keys.</summary>
    public static void Exponentiate(float* scores, int keys, float* maxima, float* sums)
    {
        int n = TLanes.Count;
        TLanes m0 = TLanes.Load(maxima), m1 = TLanes.Load(maxima + n), m2 = TLanes.Load(maxima + 2 * n);
        TLanes l0 = TLanes.Load(sums), l1 = TLanes.Load(sums + n), l2 = TLanes.Load(sums + 2 * n);
        for (float* end = scores + (long)keys * 3 * n; scores < end; scores += 3 * n)
        {
            TLanes x0 = LaneMath<TLanes>.Exp(TLanes.Subtract(TLanes.Load(scores), m0));
            TLanes x1 = LaneMath<TLanes>.Exp(TLanes.Subtract(TLanes.Load(scores + n), m1));
            TLanes x2 = LaneMath<TLanes>.Exp(TLanes.Subtract(TLanes.Load(scores + 2 * n), m2));
            TLanes.Store(x0, scores);
            TLanes.Store(x1, scores + n);
            TLanes.Store(x2, scores + 2 * n);
            l0 = TLanes.Add(l0, x0);
            l1 = TLanes.Add(l1, x1);
            l2 = TLanes.Add(l2, x2);
        }
        TLanes.Store(l0, sums);
        TLanes.Store(l1, sums + n);
        TLanes.Store(l2, sums + 2 * n);
    }

    /// <summary>Moves the state [Width], [D][Width] from the old maxima to the raised ones.</summary>
    public static void Rescale(float* maxima, float* raised, float* sums, float* o, int headSize)
    {
        int n = TLanes.Count, width = Panel<TLanes>.Width;
        for (int i = 0; i < width; i += n)
        {
            TLanes m = TLanes.Load(maxima + i), r = TLanes.Load(raised + i);
            if (!TLanes.AnyDiffers(m, r)) continue;
            TLanes factor = LaneMath<TLanes>.Exp(TLanes.Subtract(m, r));
            TLanes.Store(r, maxima + i);
            TLanes.Store(TLanes.Multiply(TLanes.Load(sums + i), factor), sums + i);
            for (float* at = o + i, end = at + (long)headSize * width; at < end; at += width)
                TLanes.Store(TLanes.Multiply(TLanes.Load(at), factor), at);
        }
    }
}
