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

    readonly int _outputs, _allSteps;
    readonly int[] _stepsBefore;
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
        _stepsBefore = new int[blocks.Length];
        for (int b = 0; b < blocks.Length; _allSteps += Steps(blocks[b]), b++) _stepsBefore[b] = _allSteps;
        int panels = (size.Tokens + Width - 1) / Width;
        _packed = (int*)packed;
        _steps = (float*)(_packed + (long)panels * _allSteps * StepGroups * Width);
        _starts = (int*)(_steps + (long)panels * _allSteps * Width);
        Workers.Run(parallel, panels, IWeightTiles.Columns, (panel, columns) =>
        {
            for (int t = 0; t < Width; t++)
                foreach (ColumnBlock block in blocks)
                {
                    int token = panel * Width + t;
                    new Span<float>(columns, Steps(block) * StepColumns).Clear();
                    if (token < size.Tokens) new ReadOnlySpan<float>(x + (long)token * size.Inputs + block.First, block.Count).CopyTo(new(columns, block.Count));
                    for (int s = 0; s < Steps(block); s++) PackStep(columns + s * StepColumns, (long)panel * _allSteps + _stepsBefore[block.Number] + s, t);
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
    internal static nuint PackedBytes(ColumnBlock[] blocks, ProductSize size)
    {
        nuint perToken = 0;
        foreach (ColumnBlock block in blocks) perToken += (nuint)Steps(block) * (StepColumns + sizeof(float) + sizeof(int));
        return checked((nuint)((size.Tokens + PanelWidth - 1) / PanelWidth) * PanelWidth * perToken);
    }

    /// <inheritdoc/>
    public int Width => PanelWidth;

    int PaddedOutputs => (_outputs + Lanes - 1) / Lanes * Lanes;

    // Steps of the outputs, then the groups.
    nuint ITokenPanels.PreparedFloats => (nuint)(PaddedOutputs + PaddedOutputs * (IWeightTiles.Columns / Group));

    static int Steps(ColumnBlock block) => (block.Count + StepColumns - 1) / StepColumns;

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
        int padded = Steps(block) * StepColumns;
        int* groups = (int*)prepared + PaddedOutputs;
        for (int column = block.Count; column < padded; column++)
            for (int o = 0; o < _outputs; o++) tile[o * _outputStep + column * _columnStep] = 0;
        if (_columnStep == 1)
            for (int o = 0; o < _outputs; o++) RoundRow(tile + o * _outputStep, padded, prepared + o, (byte*)(groups + o * (IWeightTiles.Columns / Group)));
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
        for (int i = 0; i < columns; i += Group, target += PaddedOutputs)
        {
            Vector512<int> group = Whole(i) & low | (Whole(i + 1) & low) << 8 | (Whole(i + 2) & low) << 16 | Whole(i + 3) << 24;
            (group ^ moved).Store(target);
        }

        Vector512<int> Whole(int column) => Avx512F.ConvertToVector512Int32(Vector512.Load(tile + column * _columnStep) * factors);
    }

    /// <inheritdoc/>
    void ITokenPanels.Multiply(ColumnBlock block, float* tile, float* prepared, int panel, float* sums, bool add)
    {
        long at = (long)panel * _allSteps + _stepsBefore[block.Number];
        int* b = _packed + at * StepGroups * Width, groups = (int*)prepared + PaddedOutputs;
        (nint row, nint step) = _columnStep == 1 ? (IWeightTiles.Columns / Group, 1) : ((nint)1, PaddedOutputs);
        s_multiply(groups, row, step, b, Steps(block), _starts + at * Width, _steps + at * Width, prepared, sums, _outputs, add ? 1 : 0);
    }
}
