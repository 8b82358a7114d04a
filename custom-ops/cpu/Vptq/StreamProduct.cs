namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// The product for few tokens: codes are read once, in the order in which they lie, and each loads its centroid and is done. No weight is
/// ever stored.
/// </summary>
static unsafe class StreamProduct<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    const int ColumnsPerSum = 512; // Short sums are more exact, and their activations stay in the first cache.
    const int CodesPerItem = 1 << 14; // Less takes no longer than handing it to another thread.
    const int VectorsAtOnce = 4, TokensAtOnce = 4;

    /// <summary>y[t][o] += Σ x[t][j] · Q[o][j] over all columns, which have vectors of one length.</summary>
    /// <param name="columns">Groups, or the outliers.</param>
    /// <param name="x">Activations [tokens, K] in the stored order of columns.</param>
    /// <param name="y">Outputs [tokens, N].</param>
    /// <param name="size">Tokens, K and N.</param>
    /// <param name="parallel">Threads, or null.</param>
    public static void Add(VectorColumns[] columns, float* x, float* y, ProductSize size, ParallelFor? parallel)
    {
        int vectors = columns[0].Vectors, quads = (vectors + VectorsAtOnce - 1) / VectorsAtOnce;
        long codes = columns.Sum(c => (long)c.Count) * VectorsAtOnce * size.Tokens;
        var quadsPerItem = (int)Math.Clamp(CodesPerItem / Math.Max(1, codes), 1, quads);
        Workers.Run(parallel, (quads + quadsPerItem - 1) / quadsPerItem, 8 * (nuint)TLanes.Count, (item, sums) =>
        {
            int end = Math.Min(vectors, (item + 1) * quadsPerItem * VectorsAtOnce);
            for (int vector = item * quadsPerItem * VectorsAtOnce; vector < end; vector += VectorsAtOnce)
                AddQuad(columns, vector, x, y, size, sums);
        });
    }

    static void AddQuad(VectorColumns[] columns, int vector, float* x, float* y, ProductSize size, float* sums)
    {
        for (int part = 0; part < columns[0].Stride; part += TLanes.Count)
            for (int t = 0; t < size.Tokens; t += TokensAtOnce)
            {
                if (size.Tokens - t == 1) AddOne(columns, vector, part, t, x, y, size, sums);
                else for (int pair = 0; pair < VectorsAtOnce; pair += 2) AddFour(columns, vector + pair, part, t, x, y, size, sums);
            }
    }

    static void AddOne(VectorColumns[] columns, int vector, int part, int token, float* x, float* y, ProductSize size, float* sums)
    {
        new Span<float>(sums, VectorsAtOnce * TLanes.Count).Clear();
        foreach (VectorColumns group in columns)
        {
            var work = new FourVectors<TLanes>(group, vector, part, x + (long)token * size.Inputs + group.First, sums);
            for (int c = 0; c < group.Count; c += ColumnsPerSum) group.Visit(ref work, c, Math.Min(group.Count, c + ColumnsPerSum));
        }
        for (int i = 0; i < VectorsAtOnce; i++) Put(columns[0], vector + i, part, token, sums + i * TLanes.Count, y, size);
    }

    static void AddFour(VectorColumns[] columns, int vector, int part, int token, float* x, float* y, ProductSize size, float* sums)
    {
        if (vector >= columns[0].Vectors) return;
        new Span<float>(sums, 2 * TokensAtOnce * TLanes.Count).Clear();
        foreach (VectorColumns group in columns)
        {
            float* first = x + group.First;
            var work = new TwoVectors<TLanes>(group, vector, part, Of(token), Of(token + 1), Of(token + 2), Of(token + 3), sums);
            for (int c = 0; c < group.Count; c += ColumnsPerSum) group.Visit(ref work, c, Math.Min(group.Count, c + ColumnsPerSum));

            float* Of(int t) => first + (long)Math.Min(t, size.Tokens - 1) * size.Inputs; // Behind the last token it comes again, to no effect.
        }
        for (int t = 0; t < Math.Min(TokensAtOnce, size.Tokens - token); t++)
        {
            Put(columns[0], vector, part, token + t, sums + t * TLanes.Count, y, size);
            Put(columns[0], vector + 1, part, token + t, sums + (TokensAtOnce + t) * TLanes.Count, y, size);
        }
    }

    /// <summary>Adds a token's sums of a vector to the outputs, of which there may be fewer; none of a vector behind the last.</summary>
    public static void Put(VectorColumns columns, int vector, int part, int token, float* sums, float* y, ProductSize size)
    {
        int first = vector * columns.VectorLength + part;
        int count = Math.Min(Math.Min(TLanes.Count, columns.VectorLength - part), size.Outputs - first);
        float* target = y + (long)token * size.Outputs + first;
        for (int i = 0; i < count; i++) target[i] += sums[i];
    }
}

/// <summary>Sizes of a product.</summary>
/// <param name="Tokens">Rows of activations.</param>
/// <param name="Inputs">K.</param>
/// <param name="Outputs">N.</param>
readonly record struct ProductSize(int Tokens, int Inputs, int Outputs);
