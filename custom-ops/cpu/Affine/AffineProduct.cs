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
    const int BlocksAtOnce = 32;
    const int BytesAhead = 6 << 10; // What memory delivers while a first byte is on its way.

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
        int rows = AffineBlockLayout.TileRows;
        Workers.RunRanges(parallel, layout.Tiles, (nuint)(rows + BlocksAtOnce * rows), (from, to, sums) =>
        {
            for (int tile = from; tile < to; tile++)
                for (int t = 0; t < tokens; t++)
                {
                    byte* first = units + (nint)tile * layout.Blocks * layout.UnitBytes;
                    for (int part = 0; part < rows; part += TLanes.Count) AddRows(layout, first, x, t, part, (int*)(sums + rows), sums + part);
                    int row = tile * rows, count = Math.Min(rows, layout.Outputs - row);
                    float* target = y + (long)t * layout.Outputs + row;
                    for (int i = 0; i < count; i++) target[i] = bias == null ? sums[i] : sums[i] + bias[row + i];
                }
        });
    }

    /// <summary>A register of rows of a tile: some blocks as whole numbers, then these with their scales, so that both loops are small enough to be compiled in one piece.</summary>
    static void AddRows(AffineBlockLayout layout, byte* tile, AffineInputs x, int token, int firstRow, int* wholes, float* sums)
    {
        TLanes.Store(default, sums);
        for (int block = 0; block < layout.Blocks; block += BlocksAtOnce)
        {
            int count = Math.Min(BlocksAtOnce, layout.Blocks - block);
            long at = (long)token * layout.Blocks + block;
            byte* units = tile + (nint)block * layout.UnitBytes;
            SumBlocks(units + layout.SideBytes + 4 * firstRow, layout.UnitBytes, count, (int*)(x.Words + at * AffineBlockLayout.BlockInputs), x.Sums + at, -layout.Zero, wholes);
            ScaleBlocks((ushort*)units + firstRow, layout.UnitBytes, count, x.Steps + at, wholes, sums);
            if (layout.HasMinima) AddMinima((ushort*)units + AffineBlockLayout.TileRows + firstRow, layout.UnitBytes, count, x.Steps + at, x.Sums + at, sums);
        }
    }

    /// <summary>wholes[block] = Σ code · word, from the start that the middle of the codes makes.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void SumBlocks(byte* codes, nint unitBytes, int blocks, int* pairs, int* sums, int start, int* wholes)
    {
        for (int b = 0; b < blocks; b++, codes += unitBytes, pairs += AffineBlockLayout.BlockInputs / 2, wholes += TLanes.Count)
        {
            Prefetch.Bytes(codes + BytesAhead, unitBytes);
            TWords first = TWords.Create(start * sums[b]);
            TWords.Store(TBits.Count == 8 ? SumBytes(codes, pairs, first) : SumFours(codes, pairs, first), wholes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TWords SumBytes(byte* codes, int* pairs, TWords even)
    {
        TWords mask = TWords.Create(0x00FF00FF), odd = default;
        for (int vector = 0; vector < AffineBlockLayout.BlockInputs / 4; vector++, codes += AffineBlockLayout.VectorBytes, pairs += 2)
        {
            TWords words = TWords.Load(codes);
            even = TWords.AddProducts(even, TWords.And(words, mask), TWords.Create(pairs[0]));
            odd = TWords.AddProducts(odd, TWords.Upper(words, 8), TWords.Create(pairs[1]));
        }
        return TWords.Add(even, odd);
    }

    // Codes in the middle of a word stay there: it is their sums, below 2³⁰, that are moved down, once. The uppermost ones would be negative.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TWords SumFours(byte* codes, int* pairs, TWords a)
    {
        TWords maskA = TWords.Create(0x000F000F), maskB = TWords.Create(0x00F000F0), maskC = TWords.Create(0x0F000F00), b = default, c = default, d = default;
        for (int vector = 0; vector < AffineBlockLayout.BlockInputs / 8; vector++, codes += AffineBlockLayout.VectorBytes, pairs += 4)
        {
            TWords words = TWords.Load(codes);
            a = TWords.AddProducts(a, TWords.And(words, maskA), TWords.Create(pairs[0]));
            b = TWords.AddProducts(b, TWords.And(words, maskB), TWords.Create(pairs[1]));
            c = TWords.AddProducts(c, TWords.And(words, maskC), TWords.Create(pairs[2]));
            d = TWords.AddProducts(d, TWords.Upper(words, 12), TWords.Create(pairs[3]));
        }
        return TWords.Add(TWords.Add(a, TWords.Down(b, 4)), TWords.Add(TWords.Down(c, 8), d));
    }

    /// <summary>sums += scale · step · whole.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void ScaleBlocks(ushort* scales, nint unitBytes, int blocks, float* steps, int* wholes, float* sums)
    {
        TLanes y = TLanes.Load(sums);
        for (int b = 0; b < blocks; b++, scales += unitBytes / sizeof(ushort), wholes += TLanes.Count)
            y = TLanes.MultiplyAdd(TLanes.LoadHalf(scales), TLanes.Multiply(TLanes.Create(steps[b]), TWords.ToFloats(TWords.Load((byte*)wholes))), y);
        TLanes.Store(y, sums);
    }

    /// <summary>sums += minimum · step · Σ words.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void AddMinima(ushort* minima, nint unitBytes, int blocks, float* steps, int* inputSums, float* sums)
    {
        TLanes y = TLanes.Load(sums);
        for (int b = 0; b < blocks; b++, minima += unitBytes / sizeof(ushort)) y = TLanes.MultiplyAdd(TLanes.LoadHalf(minima), TLanes.Create(steps[b] * inputSums[b]), y);
        TLanes.Store(y, sums);
    }
}
