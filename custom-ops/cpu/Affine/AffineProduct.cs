using System.Runtime.CompilerServices;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// The product for few tokens. Lanes are the 16 rows of a tile, so that nothing is summed across them: a register of codes is cut into words of one pair of inputs, which
/// one instruction multiplies with that pair and adds; a block's sum is a whole number until its scale turns it into a float. Blocks are read once, in the order in which they lie.
/// </summary>
static unsafe class AffineProduct<TLanes, TWords, TBits>
    where TLanes : unmanaged, ILanes<TLanes>
    where TWords : unmanaged, IWordLanes<TWords, TLanes>
    where TBits : ICodeBits
{
    const int TilesAtOnce = 4, FewItems = 8, BlocksAhead = 4;

    /// <summary>y[t][o] = W·x[t] + bias.</summary>
    /// <param name="layout">Sizes.</param>
    /// <param name="units">The weight.</param>
    /// <param name="x">Activations.</param>
    /// <param name="bias">[N], or null.</param>
    /// <param name="y">[tokens, N]</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="parallel">Threads, or null.</param>
    public static void Run(AffineBlockLayout layout, byte* units, AffineInputs x, float* bias, float* y, int tokens, ParallelFor? parallel)
    {
        int atOnce = Math.Clamp(layout.Tiles / FewItems, 1, TilesAtOnce), rows = AffineBlockLayout.TileRows;
        Workers.Run(parallel, (layout.Tiles + atOnce - 1) / atOnce, (nuint)rows, (item, sums) =>
        {
            for (int tile = item * atOnce; tile < Math.Min((item + 1) * atOnce, layout.Tiles); tile++)
                for (int t = 0; t < tokens; t++)
                {
                    for (int part = 0; part < rows; part += TLanes.Count)
                        TLanes.Store(Rows(layout, units + (nint)tile * layout.Blocks * layout.UnitBytes, x, t, part), sums + part);
                    int first = tile * rows, count = Math.Min(rows, layout.Outputs - first);
                    float* target = y + (long)t * layout.Outputs + first;
                    for (int i = 0; i < count; i++) target[i] = bias == null ? sums[i] : sums[i] + bias[first + i];
                }
        });
    }

    /// <summary>A register of rows of a tile.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static TLanes Rows(AffineBlockLayout layout, byte* unit, AffineInputs x, int token, int firstRow)
    {
        bool hasMinima = layout.HasMinima;
        int blocks = layout.Blocks, unitBytes = layout.UnitBytes, sideBytes = layout.SideBytes, zero = layout.Zero;
        long at = (long)token * blocks;
        int* pairs = (int*)(x.Words + at * AffineBlockLayout.BlockInputs), sums = x.Sums + at;
        float* steps = x.Steps + at;
        TWords mask = TWords.Create(TBits.Count == 4 ? 0x000F000F : 0x00FF00FF);
        TLanes y = default;
        for (int b = 0; b < blocks; b++, unit += unitBytes, pairs += AffineBlockLayout.BlockInputs / 2)
        {
            Prefetch.Bytes(unit + BlocksAhead * unitBytes, unitBytes);
            byte* codes = unit + sideBytes + 4 * firstRow;
            TWords even = TWords.Create(-zero * sums[b]), odd = default;
            AddVector(codes, 0, pairs, mask, ref even, ref odd);
            AddVector(codes, 1, pairs, mask, ref even, ref odd);
            AddVector(codes, 2, pairs, mask, ref even, ref odd);
            AddVector(codes, 3, pairs, mask, ref even, ref odd);
            if (TBits.Count == 8)
            {
                AddVector(codes, 4, pairs, mask, ref even, ref odd);
                AddVector(codes, 5, pairs, mask, ref even, ref odd);
                AddVector(codes, 6, pairs, mask, ref even, ref odd);
                AddVector(codes, 7, pairs, mask, ref even, ref odd);
            }
            ushort* side = (ushort*)unit + firstRow;
            TLanes product = TLanes.Multiply(TLanes.Create(steps[b]), TWords.ToFloats(TWords.Add(even, odd)));
            y = TLanes.MultiplyAdd(TLanes.LoadHalf(side), product, y);
            if (hasMinima) y = TLanes.MultiplyAdd(TLanes.LoadHalf(side + AffineBlockLayout.TileRows), TLanes.Create(steps[b] * sums[b]), y);
        }
        return y;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void AddVector(byte* codes, int vector, int* pairs, TWords mask, ref TWords even, ref TWords odd)
    {
        TWords words = TWords.Load(codes + vector * AffineBlockLayout.VectorBytes);
        if (TBits.Count == 8)
        {
            even = TWords.AddProducts(even, TWords.Fields(words, 0, mask), TWords.Create(pairs[2 * vector]));
            odd = TWords.AddProducts(odd, TWords.Fields(words, 8, mask), TWords.Create(pairs[2 * vector + 1]));
            return;
        }
        even = TWords.AddProducts(even, TWords.Fields(words, 0, mask), TWords.Create(pairs[4 * vector]));
        odd = TWords.AddProducts(odd, TWords.Fields(words, 4, mask), TWords.Create(pairs[4 * vector + 1]));
        even = TWords.AddProducts(even, TWords.Fields(words, 8, mask), TWords.Create(pairs[4 * vector + 2]));
        odd = TWords.AddProducts(odd, TWords.Fields(words, 12, mask), TWords.Create(pairs[4 * vector + 3]));
    }
}
