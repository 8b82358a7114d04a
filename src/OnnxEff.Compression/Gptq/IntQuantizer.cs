using OnnxEff.Formats;
using OnnxEff.Ir;

namespace OnnxEff.Compression;

/// <summary>
/// Integers on grids of blocks, by GPTQ's error propagation in the order of importance and sweeps of coordinate descent after it. Stored for
/// com.microsoft.MatMulNBits, so that ONNX Runtime runs them without a library.
/// </summary>
/// <param name="bits">2, 4 or 8.</param>
/// <param name="blockSize">Inputs that share a scale.</param>
/// <param name="sweeps">The most sweeps.</param>
public sealed class IntQuantizer(int bits, int blockSize, int sweeps = 4) : SiteQuantizer
{
    /// <inheritdoc/>
    public override string Settings => $"int 1 {bits} {blockSize} {sweeps}";

    /// <inheritdoc/>
    public override double BitsOf(LinearSite site)
    {
        var blocks = IntBlocks.BlocksOf(site.Inputs, blockSize);
        return (double)blocks * (blockSize * bits + ScaleBits(site) + bits) / site.Inputs;
    }

    /// <inheritdoc/>
    public override StoredLinear[] Quantize(int index, SiteData data)
    {
        var (site, k) = (data.Site, data.Site.Inputs);
        var grid = BlockGrid.Of(data.Weight, k, data.Moment, bits, blockSize, ScaleBits(site) == 16);
        var (ones, even) = (new float[k], new float[site.Outputs]);
        Array.Fill(ones, 1);
        Array.Fill(even, 1);
        var problem = ScaledProblem.Of(data.Weight, site.Outputs, k, 1, data.Moment, ones, even, data.Damping);
        var coded = CodedProblem.Of(problem, new GridRounding(problem, grid, k), sweeps);
        var (stored, first) = (new StoredLinear[site.Linears.Count], 0);
        for (var i = 0; i < stored.Length; i++)
        {
            var linear = site.Linears[i];
            var packed = Pack(linear, coded, grid, first);
            stored[i] = new("MatMulNBits", "com.microsoft", [("K", k), ("N", linear.Outputs), ("bits", bits), ("block_size", blockSize)],
                [("codes", packed.Codes), ("scales", packed.Scales), ("zero_points", packed.ZeroPoints)], Error(data, first, packed.Decode()));
            first += linear.Outputs;
        }
        return stored;
    }

    /// <inheritdoc/>
    public override float[] Decode(StoredLinear stored)
    {
        int Of(string name) => (int)stored.Attributes.First(a => a.Name == name).Value;
        return new IntBlocks(Of("N"), Of("K"), Of("bits"), Of("block_size"), stored["codes"]!, stored["scales"]!, stored["zero_points"]!).Decode();
    }

    static int ScaleBits(LinearSite site) => site.Linears[0].Weight.Constant!.Element == ElementType.Float16 ? 16 : 32;

    static IntBlocks Pack(ConstantLinear linear, CodedProblem coded, BlockGrid grid, int first)
    {
        var (k, rows, blocks) = (linear.Inputs, linear.Outputs, IntBlocks.BlocksOf(linear.Inputs, grid.BlockSize));
        var codes = new byte[rows * k];
        for (var row = 0; row < rows; row++)
            for (var place = 0; place < k; place++) codes[row * k + coded.Problem.Order[place]] = coded.At(first + row, place);
        var scales = grid.Scales.AsSpan(first * blocks, rows * blocks);
        var tensor = linear.Weight.Constant!.Element == ElementType.Float16
            ? Tensor.Create<Half>([rows, blocks], Array.ConvertAll(scales.ToArray(), s => (Half)s)) : Tensor.Create<float>([rows, blocks], scales);
        return IntBlocks.Pack(rows, k, grid.Bits, grid.BlockSize, codes, tensor, grid.Zeros.AsSpan(first * blocks, rows * blocks));
    }
}
