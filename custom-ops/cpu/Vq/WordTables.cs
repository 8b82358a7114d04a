using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// Makes tables as <see cref="LookupTables{TLanes}"/> does, but from products of words, two of which processors sum at once: they are short enough to be kept until it is
/// known which of them is the largest.
/// </summary>
static unsafe class WordTables<TWords, TLanes>
    where TWords : unmanaged, IWordLanes<TWords, TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    const int Steps = TableLayout.Zero - 1;
    const int Fewest = 16 * Steps; // Steps of the largest product, as words: of fewer, their own rounding would be seen in bytes.
    const int MostComponents = TableLayout.BlockGroups * 4;

    static int Together => 2 * TLanes.Count; // Products of a register.

    /// <summary>Fills the table of a block and says its scale; or returns false where words do not stand for the centroids or are too coarse for their products.</summary>
    /// <param name="layout">Sizes.</param>
    /// <param name="codebook">Centroids.</param>
    /// <param name="x">Finite activations [groups, v].</param>
    /// <param name="groups">Groups of the block.</param>
    /// <param name="table">Target [groups, k].</param>
    /// <param name="scale">What a step of the table is.</param>
    /// <param name="ahead">What is read next.</param>
    [SkipLocalsInit]
    public static bool TryWrite(TableLayout layout, VqCodebook codebook, float* x, int groups, byte* table, out float scale, ref Ahead ahead)
    {
        scale = 0;
        if (!codebook.HasWords || layout.Centroids < 2 * Together) return false;
        short* words = stackalloc short[MostComponents];
        float step = Round(x, codebook.Most, groups * layout.VectorLength, words) / VqCodebook.MostOf(layout.VectorLength) * (1 << 16);
        using var work = new Scratch((nuint)(TableLayout.BlockGroups * layout.Centroids * sizeof(short)));
        var products = (short*)work.Bytes;
        short* ends = stackalloc short[2 * Together];
        Multiply(layout, codebook.Words, (int*)words, groups, products, ends, ref ahead);
        int largest = 0;
        for (int i = 0; i < Together; i++) largest = Math.Max(largest, Math.Max(ends[i], -ends[Together + i]));
        if (largest < Fewest) return false;
        int factor = (Steps << 15) / largest;
        scale = step * (1 << 15) / factor;
        WriteBytes(layout.Centroids, products, groups, factor, table, ref ahead);
        return true;
    }

    // words = x · most / step: what is multiplied with small components needs few steps. Returns the step.
    [SkipLocalsInit]
    static float Round(float* x, float* most, int count, short* words)
    {
        float* scaled = stackalloc float[MostComponents];
        int padded = (count + Vector128<short>.Count - 1) / Vector128<short>.Count * Vector128<short>.Count;
        new Span<float>(scaled + count, padded - count).Clear();
        new ReadOnlySpan<float>(x, count).CopyTo(new(scaled, count));
        Vector128<float> factors = Vector128.Load(most), top = default;
        for (int i = 0; i < padded; i += Vector128<float>.Count)
        {
            Vector128<float> product = Vector128.Load(scaled + i) * factors;
            top = Vector128.Max(top, Vector128.Abs(product));
            product.Store(scaled + i);
        }
        float largest = MathF.Max(MathF.Max(top[0], top[1]), MathF.Max(top[2], top[3])), factor = largest > ByteSteps.Smallest ? short.MaxValue / largest : 0;
        for (int i = 0; i < padded; i += Vector128<short>.Count) Vector128.Narrow(Whole(scaled + i), Whole(scaled + i + Vector128<float>.Count)).Store(words + i);
        return largest / short.MaxValue;

        Vector128<int> Whole(float* at) => Vector128.ConvertToInt32(Vector128.Round(Vector128.Load(at) * factor));
    }

    // products[c / Together][g][c % Together], of 32 bits the upper half; ends: the largest and the least of each lane, in memory: what lives on behind a loop may lie there in it.
    static void Multiply(TableLayout layout, short* codebook, int* x, int groups, short* products, short* ends, ref Ahead ahead)
    {
        bool isQuad = layout.VectorLength == 4;
        TWords half = TWords.Create(1 << 15), most = default, least = default;
        for (int c = 0; c < layout.Centroids; c += Together)
        {
            ahead.Next(groups); // A line for each product of a register: about as fast as memory is read beside it.
            byte* first = (byte*)(codebook + 2 * c), second = isQuad ? first + layout.Centroids * 2 * sizeof(short) : first;
            int step = TLanes.Count * sizeof(int);
            TWords a0 = TWords.Load(first), b0 = TWords.Load(first + step), a1 = TWords.Load(second), b1 = TWords.Load(second + step);
            int* at = x;
            for (int g = 0; g < groups; g++, products += Together)
            {
                TWords pair = TWords.Create(*at++), a = TWords.AddProducts(half, a0, pair), b = TWords.AddProducts(half, b0, pair);
                if (isQuad)
                {
                    pair = TWords.Create(*at++);
                    (a, b) = (TWords.AddProducts(a, a1, pair), TWords.AddProducts(b, b1, pair));
                }
                TWords upper = TWords.UpperWords(a, b);
                most = TWords.MaxWords(most, upper);
                least = TWords.MinWords(least, upper);
                TWords.Store(upper, (int*)products);
            }
        }
        TWords.Store(most, (int*)ends);
        TWords.Store(least, (int*)(ends + Together));
    }

    static void WriteBytes(int centroids, short* products, int groups, int factor, byte* table, ref Ahead ahead)
    {
        TWords factors = TWords.Create(factor | factor << 16);
        for (int c = 0; c < centroids; c += 2 * Together, products += 2 * groups * Together)
        {
            ahead.Next(groups);
            byte* low = (byte*)products, high = (byte*)(products + groups * Together), target = table + c;
            for (int g = 0; g < groups; g++, target += centroids, low += Together * sizeof(short), high += Together * sizeof(short))
                TWords.StoreBytes(TWords.Load(low), TWords.Load(high), factors, target);
        }
    }
}
