using OnnxEff.Ir;

namespace OnnxEff.Formats;

/// <summary>
/// A linear layer's weight as vectors along the inputs, in the form that a kernel reads once from front to back: tiles of 64 rows, in a tile one
/// <see cref="CodeUnit"/> after the other for the groups of v stored columns. What this class holds is what the operator VqMatMul takes, and what it means is
/// <see cref="VqInputWeight"/>. Numbers of rows and inputs are uint16 where N and K are at most 65536, else int32.
/// </summary>
/// <param name="Layout">The sizes.</param>
/// <param name="Codes">uint8 [ceil(N/64), ceil(K/v/u), 8·b·u] with u groups a unit; codes of rows behind N and of groups behind K are 0.</param>
/// <param name="Codebook">fp16 [k, v]; layers may share one.</param>
public sealed record VqInputCodes(VqInputLayout Layout, Tensor Codes, Tensor Codebook)
{
    const int MostShorts = 1 << 16;

    /// <summary>fp16 [K], by input and not by stored column; null for ones.</summary>
    public Tensor? ColumnScale { get; init; }

    /// <summary>fp16 [N]; null for ones.</summary>
    public Tensor? RowScale { get; init; }

    /// <summary>[K]: the input that each stored column belongs to; null where that is its own number.</summary>
    public Tensor? Permutation { get; init; }

    /// <summary>[E]: the row of each outlier, never less than the one before; null where there is none.</summary>
    public Tensor? OutlierRows { get; init; }

    /// <summary>[E]: the input of each outlier.</summary>
    public Tensor? OutlierInputs { get; init; }

    /// <summary>fp16 [E]: what each outlier adds to the coded weight.</summary>
    public Tensor? OutlierValues { get; init; }

    /// <summary>[N] in the type of the activations: added to the product; null for none.</summary>
    public Tensor? Bias { get; init; }

    /// <summary>Bytes of all tensors.</summary>
    public long Bytes => ((Tensor?[])[Codes, Codebook, ColumnScale, RowScale, Permutation, OutlierRows, OutlierInputs, OutlierValues, Bias]).Sum(t => t?.Data.Length ?? 0);

    /// <summary>Packs a weight; it has no bias then.</summary>
    /// <exception cref="ArgumentException">The weight's arrays do not fit its sizes.</exception>
    public static VqInputCodes Pack(VqInputWeight weight)
    {
        var layout = new VqInputLayout(weight.Outputs, weight.Inputs, weight.VectorLength, weight.Centroids);
        if ((layout.Refusal() ?? RefuseArrays(weight, layout)) is { } refusal) throw new ArgumentException($"Not to be packed: {refusal}.", nameof(weight));
        OutlierWeight[] outliers = [.. weight.Outliers.OrderBy(o => o.Output).ThenBy(o => o.Input)];
        return new(layout, PackCodes(weight, layout), Tensor.Create<Half>([layout.Centroids, layout.VectorLength], weight.Codebook))
        {
            ColumnScale = weight.ColumnScale is null ? null : Tensor.Vector<Half>(weight.ColumnScale),
            RowScale = weight.RowScale is null ? null : Tensor.Vector<Half>(weight.RowScale),
            Permutation = weight.Permutation is null ? null : Numbers(layout, weight.Permutation),
            OutlierRows = outliers.Length == 0 ? null : Numbers(layout, [.. outliers.Select(o => o.Output)]),
            OutlierInputs = outliers.Length == 0 ? null : Numbers(layout, [.. outliers.Select(o => o.Input)]),
            OutlierValues = outliers.Length == 0 ? null : Tensor.Vector<Half>([.. outliers.Select(o => o.Value)]),
        };
    }

    /// <summary>The weight that was packed, outliers in their order.</summary>
    public VqInputWeight Unpack()
    {
        int[] rows = Numbers(OutlierRows) ?? [], inputs = Numbers(OutlierInputs) ?? [];
        Half[] values = OutlierValues?.As<Half>().ToArray() ?? [];
        return new(Layout.Outputs, Layout.Inputs, Layout.VectorLength, UnpackCodes(), Codebook.As<Half>().ToArray())
        {
            ColumnScale = ColumnScale?.As<Half>().ToArray(),
            RowScale = RowScale?.As<Half>().ToArray(),
            Permutation = Numbers(Permutation),
            Outliers = [.. rows.Select((row, at) => new OutlierWeight(row, inputs[at], values[at]))],
        };
    }

    static Tensor PackCodes(VqInputWeight weight, VqInputLayout layout)
    {
        (int groups, int bits) = (layout.Groups, layout.CodeBits);
        var packed = new byte[(long)layout.Tiles * layout.Units * layout.UnitBytes];
        for (int o = 0; o < layout.Outputs; o++)
        {
            int tile = o / VqInputLayout.TileRows, place = VqInputLayout.PlaceOf(o % VqInputLayout.TileRows);
            for (int g = 0; g < groups; g++) CodeUnit.Write(packed.AsSpan(UnitOf(layout, tile, g)), g % layout.UnitGroups, place, bits, weight.Codes[o * groups + g]);
        }
        return Tensor.Create<byte>([layout.Tiles, layout.Units, layout.UnitBytes], packed);
    }

    byte[] UnpackCodes()
    {
        (int groups, int bits) = (Layout.Groups, Layout.CodeBits);
        ReadOnlySpan<byte> packed = Codes.As<byte>();
        var codes = new byte[Layout.Outputs * groups];
        for (int o = 0; o < Layout.Outputs; o++)
        {
            int tile = o / VqInputLayout.TileRows, place = VqInputLayout.PlaceOf(o % VqInputLayout.TileRows);
            for (int g = 0; g < groups; g++) codes[o * groups + g] = CodeUnit.Read(packed[UnitOf(Layout, tile, g)], g % Layout.UnitGroups, place, bits);
        }
        return codes;
    }

    static Range UnitOf(VqInputLayout layout, int tile, int group)
    {
        int from = (tile * layout.Units + group / layout.UnitGroups) * layout.UnitBytes;
        return from..(from + layout.UnitBytes);
    }

    static string? RefuseArrays(VqInputWeight weight, VqInputLayout layout) => weight switch
    {
        _ when weight.Codes.Length != (long)layout.Outputs * layout.Groups => $"{weight.Codes.Length} codes are not {layout.Outputs} rows of {layout.Groups}",
        _ when weight.Codes.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)(layout.Centroids - 1)) is >= 0 and var at => $"code {weight.Codes[at]} is outside of a codebook of {layout.Centroids}",
        { ColumnScale: { } scale } when scale.Length != layout.Inputs => $"the column scale has {scale.Length} numbers and not {layout.Inputs}",
        { RowScale: { } scale } when scale.Length != layout.Outputs => $"the row scale has {scale.Length} numbers and not {layout.Outputs}",
        { Permutation: { } permutation } when permutation.Length != layout.Inputs => $"the permutation has {permutation.Length} numbers and not {layout.Inputs}",
        { Permutation: { } permutation } when VptqCodes.RefusePermutation(permutation) is { } wrong => wrong,
        _ when weight.Outliers.Any(o => (uint)o.Output >= (uint)layout.Outputs || (uint)o.Input >= (uint)layout.Inputs) => "an outlier lies outside of the weight",
        _ => null,
    };

    static Tensor Numbers(VqInputLayout layout, int[] numbers) => Math.Max(layout.Outputs, layout.Inputs) <= MostShorts
        ? Tensor.Vector<ushort>(Array.ConvertAll(numbers, n => (ushort)n)) : Tensor.Vector<int>(numbers);

    static int[]? Numbers(Tensor? tensor) => tensor is null ? null
        : tensor.Element == ElementType.UInt16 ? Array.ConvertAll(tensor.As<ushort>().ToArray(), n => (int)n) : tensor.As<int>().ToArray();
}
