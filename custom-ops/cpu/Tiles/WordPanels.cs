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

    readonly RoundedColumns _columns;
    readonly int _outputs, _allPairs, _blocks;
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
        _columns = ColumnsOf(weight, blocks);
        _allPairs = _columns.All / Pair;
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
                        _columns.Copy(block, x, size, panel * PanelWidth + t, columns);
                        float* target = rows + (long)(t - first) * _allPairs + _columns.Before(block) / Pair;
                        StepsOf(panel, block)[t] = Round(columns, _columns.Padded(block), MostOfToken, (short*)target);
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
    internal static nuint PackedBytes(IWeightTiles weight, ColumnBlock[] blocks, ProductSize size) => checked((nuint)((size.Tokens + PanelWidth - 1) / PanelWidth) * PanelWidth
        * ((nuint)ColumnsOf(weight, blocks).All * sizeof(short) + (nuint)blocks.Length * sizeof(float)));

    /// <inheritdoc/>
    public int Width => PanelWidth;

    /// <inheritdoc/>
    nuint ITokenPanels.PreparedFloats => _columns.PreparedFloats;

    // A unit is a register of words.
    static RoundedColumns ColumnsOf(IWeightTiles weight, ColumnBlock[] blocks) => new(weight, blocks, Lanes, Pair, Pair * Lanes);

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
        int padded = _columns.Padded(block);
        int* pairs = (int*)prepared + _columns.Outputs;
        _columns.Pad(block, tile);
        if (_columns.AreRows)
            for (int o = 0; o < _outputs; o++) prepared[o] = Round(tile + o * _outputStep, padded, MostOfWeight, (short*)(pairs + o * _columns.Steps.Output));
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
        for (int i = 0; i < columns; i += Pair, target += _columns.Outputs)
        {
            Vector256<int> even = Whole(tile + i * _columnStep, factors), next = Whole(tile + (i + 1) * _columnStep, factors);
            (even & Vector256.Create(0xFFFF) | next << 16).Store(target);
        }
    }

    /// <inheritdoc/>
    void ITokenPanels.Multiply(ColumnBlock block, float* tile, float* prepared, int panel, float* sums, bool add)
    {
        int* b = PairsOf(panel) + (long)(_columns.Before(block) / Pair) * PanelWidth;
        (nint row, nint step) = _columns.Steps;
        s_multiply((int*)prepared + _columns.Outputs, row, step, b, _columns.Padded(block) / Pair, StepsOf(panel, block), prepared, sums, _outputs, add ? 1 : 0);
    }
}
