using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// Panels of bytes, [panel][K / 4][Width][4], where the processor multiplies groups of four of them. Activations are rounded with a step for each token and 32 columns, as a
/// few of them are far larger than the others; weights with one for each output and block. Weights are moved up by 128, which has to be taken from the sums: those start at -128 · Σ x.
/// </summary>
public sealed unsafe class BytePanels : ITokenPanels
{
    const int Lanes = 16, PanelWidth = 3 * Lanes, Group = 4, StepColumns = 32, StepGroups = StepColumns / Group, Most = ByteSteps.Most;

    static delegate* unmanaged[Cdecl]<int*, nint, nint, int*, nint, int*, float*, float*, float*, nint, int, void> s_multiply;

    readonly RoundedColumns _columns;
    readonly int _outputs, _allSteps;
    readonly nint _outputStep, _columnStep;
    readonly int* _packed, _starts;
    readonly float* _steps;

    /// <summary>Packs activations.</summary>
    /// <param name="weight">The weight that they are multiplied with.</param>
    /// <param name="blocks">Its blocks.</param>
    /// <param name="x">Activations [tokens, K].</param>
    /// <param name="size">Tokens and K.</param>
    /// <param name="packed">As many bytes as <see cref="PackedBytes"/> says.</param>
    /// <param name="parallel">Threads, or null.</param>
    internal BytePanels(IWeightTiles weight, ColumnBlock[] blocks, float* x, ProductSize size, byte* packed, ParallelFor? parallel)
    {
        (_outputs, _outputStep, _columnStep) = (weight.Outputs, weight.OutputStep, weight.ColumnStep);
        _columns = ColumnsOf(weight, blocks);
        _allSteps = _columns.All / StepColumns;
        int panels = (size.Tokens + Width - 1) / Width;
        _packed = (int*)packed;
        _steps = (float*)(_packed + (long)panels * _allSteps * StepGroups * Width);
        _starts = (int*)(_steps + (long)panels * _allSteps * Width);
        Workers.Run(parallel, panels, IWeightTiles.Columns, (panel, columns) =>
        {
            for (int t = 0; t < Width; t++)
                foreach (ColumnBlock block in blocks)
                {
                    _columns.Copy(block, x, size, panel * Width + t, columns);
                    for (int s = 0; s < Steps(block); s++) PackStep(columns + s * StepColumns, At(panel, block) + s, t);
                }
        });
    }

    /// <summary>True where the processor multiplies groups of four bytes (AVX512-VNNI).</summary>
    public static bool ProcessorTakes { get; } = Avx512BW.IsSupported && (X86Base.CpuId(7, 0).Ecx >> 11 & 1) != 0;

    /// <summary>Gives the function onnxeff_byte_multiply of custom-ops/native/Leaf, or takes it away with 0.</summary>
    public static void Use(nint multiply) => s_multiply = (delegate* unmanaged[Cdecl]<int*, nint, nint, int*, nint, int*, float*, float*, float*, nint, int, void>)multiply;

    /// <summary>True when calls are computed here.</summary>
    internal static bool Takes<TLanes>() where TLanes : unmanaged, ILanes<TLanes> => TLanes.Count == Lanes && s_multiply != null;

    /// <summary>Bytes of all panels.</summary>
    internal static nuint PackedBytes(IWeightTiles weight, ColumnBlock[] blocks, ProductSize size) => checked(
        (nuint)((size.Tokens + PanelWidth - 1) / PanelWidth) * PanelWidth * ((nuint)(ColumnsOf(weight, blocks).All / StepColumns) * (StepColumns + sizeof(float) + sizeof(int))));

    /// <inheritdoc/>
    public int Width => PanelWidth;

    /// <inheritdoc/>
    nuint ITokenPanels.PreparedFloats => _columns.PreparedFloats;

    static RoundedColumns ColumnsOf(IWeightTiles weight, ColumnBlock[] blocks) => new(weight, blocks, Lanes, Group, StepColumns);

    int Steps(ColumnBlock block) => _columns.Padded(block) / StepColumns;

    long At(int panel, ColumnBlock block) => (long)panel * _allSteps + _columns.Before(block) / StepColumns;

    void PackStep(float* columns, long at, int token)
    {
        Vector512<float> low = Vector512.Load(columns), high = Vector512.Load(columns + Lanes), top = default, odd = default;
        ByteSteps.Meet(low, ref top, ref odd);
        ByteSteps.Meet(high, ref top, ref odd);
        float step = ByteSteps.Of(ByteSteps.Greatest(top), Vector512.Sum(odd), out float factor);
        int* target = _packed + at * StepGroups * Width + token;
        Vector512<int> sum = Pack(low * factor, target) + Pack(high * factor, target + Lanes / Group * Width);
        (_steps[at * Width + token], _starts[at * Width + token]) = (step, -(Most + 1) * Vector512.Sum(sum));
    }

    static Vector512<int> Pack(Vector512<float> x, int* target)
    {
        Vector512<int> whole = Avx512F.ConvertToVector512Int32(x);
        Vector128<int> groups = Avx512F.ConvertToVector128SByteWithSaturation(whole).AsInt32();
        (target[0], target[PanelWidth], target[2 * PanelWidth], target[3 * PanelWidth]) = (groups[0], groups[1], groups[2], groups[3]);
        return whole;
    }

    /// <inheritdoc/>
    void ITokenPanels.Prepare(ColumnBlock block, float* tile, float* prepared)
    {
        int padded = _columns.Padded(block);
        int* groups = (int*)prepared + _columns.Outputs;
        _columns.Pad(block, tile);
        if (_columns.AreRows)
            for (int o = 0; o < _outputs; o++) RoundRow(tile + o * _outputStep, padded, prepared + o, (byte*)(groups + o * _columns.Steps.Output));
        else
            for (int o = 0; o < _outputs; o += Lanes) RoundLanes(tile + o, padded, prepared + o, groups + o);
    }

    static void RoundRow(float* row, int columns, float* step, byte* target)
    {
        (Vector512<float> top, Vector512<float> odd) = (default, default);
        for (int i = 0; i < columns; i += Lanes) ByteSteps.Meet(Vector512.Load(row + i), ref top, ref odd);
        *step = ByteSteps.Of(ByteSteps.Greatest(top), Vector512.Sum(odd), out float factor);
        Vector512<float> factors = Vector512.Create(factor);
        for (int i = 0; i < columns; i += Lanes)
        {
            Vector512<int> whole = Avx512F.ConvertToVector512Int32(Vector512.Load(row + i) * factors);
            (Avx512F.ConvertToVector128SByteWithSaturation(whole).AsByte() ^ Vector128.Create((byte)(Most + 1))).Store(target + i);
        }
    }

    // Lanes are outputs; tiles of this kind have room behind their last one.
    void RoundLanes(float* tile, int columns, float* steps, int* target)
    {
        (Vector512<float> top, Vector512<float> odd) = (default, default);
        for (int i = 0; i < columns; i++) ByteSteps.Meet(Vector512.Load(tile + i * _columnStep), ref top, ref odd);
        Vector512<float> factors = Vector512.ConditionalSelect(Vector512.GreaterThan(top, Vector512.Create(ByteSteps.Smallest)), Vector512.Create((float)Most) / top, default);
        (top / Most + odd).Store(steps);
        Vector512<int> low = Vector512.Create(0xFF), moved = Vector512.Create(unchecked((int)0x80808080));
        for (int i = 0; i < columns; i += Group, target += _columns.Outputs)
        {
            Vector512<int> group = Whole(i) & low | (Whole(i + 1) & low) << 8 | (Whole(i + 2) & low) << 16 | Whole(i + 3) << 24;
            (group ^ moved).Store(target);
        }

        Vector512<int> Whole(int column) => Avx512F.ConvertToVector512Int32(Vector512.Load(tile + column * _columnStep) * factors);
    }

    /// <inheritdoc/>
    void ITokenPanels.Multiply(ColumnBlock block, float* tile, float* prepared, int panel, float* sums, bool add)
    {
        long at = At(panel, block);
        (nint row, nint step) = _columns.Steps;
        s_multiply((int*)prepared + _columns.Outputs, row, step, _packed + at * StepGroups * Width, Steps(block), _starts + at * Width, _steps + at * Width, prepared, sums, _outputs, add ? 1 : 0);
    }
}
