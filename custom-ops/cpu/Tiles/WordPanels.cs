using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// Panels of 16-bit words, [panel][K / 2][Width][2], where the processor multiplies pairs of them (AVX2) but not groups of bytes. Activations are rounded with a step for each
/// token and block of columns, weights with one for each output and block: finer than bytes by so much that blocks of 128 columns do not lose what steps for 32 keep.
/// </summary>
public sealed unsafe class WordPanels : ITokenPanels
{
    const int Lanes = 8, PanelWidth = 3 * Lanes, Pair = 2;
    const int MostOfToken = 8191, MostOfWeight = 2047; // Steps of the largest number: 128 products of them stay below 2³¹.

    static delegate* unmanaged[Cdecl]<int*, nint, nint, int*, nint, float*, float*, float*, nint, int, void> s_multiply;

    readonly int _outputs, _allPairs, _blocks;
    readonly int[] _pairsBefore;
    readonly nint _outputStep, _columnStep;
    readonly int* _packed;
    readonly float* _steps;

    /// <summary>Packs activations.</summary>
    /// <param name="weight">The weight that they are multiplied with.</param>
    /// <param name="blocks">Its blocks.</param>
    /// <param name="x">Activations [tokens, K].</param>
    /// <param name="size">Tokens and K.</param>
    /// <param name="packed">As many bytes as <see cref="PackedBytes"/> says.</param>
    /// <param name="parallel">Threads, or null.</param>
    internal WordPanels(IWeightTiles weight, ColumnBlock[] blocks, float* x, ProductSize size, byte* packed, ParallelFor? parallel)
    {
        (_outputs, _outputStep, _columnStep, _blocks) = (weight.Outputs, weight.OutputStep, weight.ColumnStep, blocks.Length);
        _pairsBefore = new int[blocks.Length];
        for (int b = 0; b < blocks.Length; _allPairs += Pairs(blocks[b]), b++) _pairsBefore[b] = _allPairs;
        int panels = (size.Tokens + PanelWidth - 1) / PanelWidth;
        _packed = (int*)packed;
        _steps = (float*)(_packed + (long)panels * _allPairs * PanelWidth);
        Workers.Run(parallel, panels, (nuint)(IWeightTiles.Columns + Lanes * _allPairs), (panel, columns) =>
        {
            float* rows = columns + IWeightTiles.Columns; // Pairs, which are moved as floats are.
            for (int first = 0; first < PanelWidth; first += Lanes)
            {
                for (int t = first; t < first + Lanes; t++)
                    foreach (ColumnBlock block in blocks)
                    {
                        int token = panel * PanelWidth + t, padded = Pair * Pairs(block);
                        new Span<float>(columns, padded).Clear();
                        if (token < size.Tokens) new ReadOnlySpan<float>(x + (long)token * size.Inputs + block.First, block.Count).CopyTo(new(columns, block.Count));
                        float* target = rows + (long)(t - first) * _allPairs + _pairsBefore[block.Number];
                        StepsOf(panel, block)[t] = Round(columns, padded, MostOfToken, (short*)target);
                    }
                Transpose<V256>.RowsToLanes(rows, _allPairs, (float*)PairsOf(panel) + first, PanelWidth);
            }
        });
    }

    /// <summary>Gives the function onnxeff_word_multiply of custom-ops/native/Leaf, or takes it away with 0.</summary>
    public static void Use(nint multiply) => s_multiply = (delegate* unmanaged[Cdecl]<int*, nint, nint, int*, nint, float*, float*, float*, nint, int, void>)multiply;

    /// <summary>True when calls are computed here.</summary>
    internal static bool Take => s_multiply != null;

    /// <summary>Bytes of all panels.</summary>
    internal static nuint PackedBytes(ColumnBlock[] blocks, ProductSize size)
    {
        nuint perToken = 0;
        foreach (ColumnBlock block in blocks) perToken += (nuint)Pairs(block) * sizeof(int) + sizeof(float);
        return checked((nuint)((size.Tokens + PanelWidth - 1) / PanelWidth) * PanelWidth * perToken);
    }

    /// <inheritdoc/>
    public int Width => PanelWidth;

    int PaddedOutputs => (_outputs + Lanes - 1) / Lanes * Lanes;

    // Steps of the outputs, then the pairs.
    nuint ITokenPanels.PreparedFloats => (nuint)(PaddedOutputs + PaddedOutputs * (IWeightTiles.Columns / Pair));

    // As many as whole registers of words have.
    static int Pairs(ColumnBlock block) => (block.Count + 2 * Lanes - 1) / (2 * Lanes) * Lanes;

    int* PairsOf(int panel) => _packed + (long)panel * _allPairs * PanelWidth;

    float* StepsOf(int panel, ColumnBlock block) => _steps + ((long)panel * _blocks + block.Number) * PanelWidth;

    // The step of some numbers, a multiple of 16 of them; NaN if one is not finite.
    static float Round(float* x, int count, int most, short* target)
    {
        (Vector256<float> top, Vector256<float> odd) = (default, default);
        for (int i = 0; i < count; i += Lanes) ByteSteps.Meet(Vector256.Load(x + i), ref top, ref odd);
        float step = ByteSteps.Of(ByteSteps.Greatest(top), Vector256.Sum(odd), out float factor, most);
        Vector256<float> factors = Vector256.Create(factor);
        for (int i = 0; i < count; i += 2 * Lanes)
        {
            Vector256<short> words = Avx2.PackSignedSaturate(Whole(x + i, factors), Whole(x + i + Lanes, factors)); // Quarters of both take turns.
            Avx2.Permute4x64(words.AsInt64(), 0b11_01_10_00).AsInt16().Store(target + i);
        }
        return step;
    }

    static Vector256<int> Whole(float* x, Vector256<float> factors) => Avx.ConvertToVector256Int32(Vector256.Load(x) * factors);

    /// <inheritdoc/>
    void ITokenPanels.Prepare(ColumnBlock block, float* tile, float* prepared)
    {
        int padded = Pair * Pairs(block);
        int* pairs = (int*)prepared + PaddedOutputs;
        for (int column = block.Count; column < padded; column++)
            for (int o = 0; o < _outputs; o++) tile[o * _outputStep + column * _columnStep] = 0;
        if (_columnStep == 1)
            for (int o = 0; o < _outputs; o++) prepared[o] = Round(tile + o * _outputStep, padded, MostOfWeight, (short*)(pairs + o * (IWeightTiles.Columns / Pair)));
        else
            for (int o = 0; o < _outputs; o += Lanes) RoundLanes(tile + o, padded, prepared + o, pairs + o);
    }

    // Lanes are outputs; tiles of this kind have room behind their last one.
    void RoundLanes(float* tile, int columns, float* steps, int* target)
    {
        (Vector256<float> top, Vector256<float> odd) = (default, default);
        for (int i = 0; i < columns; i++) ByteSteps.Meet(Vector256.Load(tile + i * _columnStep), ref top, ref odd);
        Vector256<float> most = Vector256.Create((float)MostOfWeight), factors = Vector256.ConditionalSelect(Vector256.GreaterThan(top, Vector256.Create(ByteSteps.Smallest)), most / top, default);
        (top / most + odd).Store(steps);
        for (int i = 0; i < columns; i += Pair, target += PaddedOutputs)
        {
            Vector256<int> even = Whole(tile + i * _columnStep, factors), next = Whole(tile + (i + 1) * _columnStep, factors);
            (even & Vector256.Create(0xFFFF) | next << 16).Store(target);
        }
    }

    /// <inheritdoc/>
    void ITokenPanels.Multiply(ColumnBlock block, float* tile, float* prepared, int panel, float* sums, bool add)
    {
        int* b = PairsOf(panel) + (long)_pairsBefore[block.Number] * PanelWidth, pairs = (int*)prepared + PaddedOutputs;
        (nint row, nint step) = _columnStep == 1 ? (IWeightTiles.Columns / Pair, 1) : ((nint)1, PaddedOutputs);
        s_multiply(pairs, row, step, b, Pairs(block), StepsOf(panel, block), prepared, sums, _outputs, add ? 1 : 0);
    }
}
