using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.Compression;

/// <summary>
/// The public VPTQ layout with small codebooks: vectors of eight outputs, a main and a residual centroid of 256 each, 2 bits a weight. Columns are scaled by
/// their root mean square, the moment with them. A matrix has codebooks of its own where they cost at most 5 % of its codes; all others
/// share a pair.
/// </summary>
/// <param name="seed">Of k-means.</param>
/// <param name="sweeps">The most sweeps of coordinate descent.</param>
public sealed class VptqQuantizer(int seed, int sweeps = 4) : SiteQuantizer
{
    const int Centroids = 256;
    const double CodebookBits = 2 * Centroids * OutputVectors.Length * 16;
    const double CodeBits = 2;
    const double MostShare = 0.05;

    Codebook? _main, _residual; // What small matrices share.

    /// <inheritdoc/>
    public override string Settings => $"vptq 1 {seed} {sweeps}";

    /// <inheritdoc/>
    public override bool NeedsFit => true;

    /// <inheritdoc/>
    public override double BitsOf(LinearSite site) => CodeBits + site.Linears.Sum(l => 16.0 * l.Inputs + (HasOwn(l) ? CodebookBits : 0)) / site.Weights;

    /// <inheritdoc/>
    public override string? Refusal(ConstantLinear linear) => linear.Outputs % OutputVectors.Length == 0 ? null : $"it has {linear.Outputs} outputs, no multiple of {OutputVectors.Length}";

    /// <inheritdoc/>
    public override void Fit(IReadOnlyList<SiteData> sites, IReadOnlyList<LinearSite> all, IProgress<string>? progress)
    {
        ScaledProblem[] small = [.. sites.SelectMany(Parts).Where(part => !HasOwn(part.Site.Linears[0])).Select(part => Problem(part).Problem)];
        if (small.Length == 0) return;
        progress?.Report("Fitting the codebooks that small matrices share");
        (_main, _residual) = Codebooks(small);
    }

    /// <inheritdoc/>
    public override byte[] SaveFit() => _main is null ? [] : [.. ((float[])[.. _main.Values, .. _residual!.Values]).SelectMany(BitConverter.GetBytes)];

    /// <inheritdoc/>
    public override void LoadFit(byte[] fit)
    {
        float[] values = [.. Enumerable.Range(0, fit.Length / sizeof(float)).Select(i => BitConverter.ToSingle(fit, i * sizeof(float)))];
        if (values.Length > 0) (_main, _residual) = (new(OutputVectors.Length, values[..(values.Length / 2)]), new(OutputVectors.Length, values[(values.Length / 2)..]));
    }

    /// <inheritdoc/>
    public override StoredLinear[] Quantize(int index, SiteData data) => [.. Parts(data).Select(Store)];

    /// <inheritdoc/>
    public override float[] Decode(StoredLinear stored)
    {
        int Of(string name) => (int)stored.Attributes.First(a => a.Name == name).Value;
        return new VptqCodes(Layout(Of("N"), Of("K")), stored["codes"]!, stored["codebook"]!) { ResidualCodebook = stored["residual_codebook"], Scale = stored["scale"] }.Decode();
    }

    static bool HasOwn(ConstantLinear linear) => CodebookBits <= MostShare * CodeBits * linear.Outputs * linear.Inputs;

    static VptqLayout Layout(int outputs, int inputs) => new(outputs, inputs, OutputVectors.Length, Centroids) { ResidualCentroids = Centroids };

    /// <summary>A site's products each for itself: a vector may not reach over two of them.</summary>
    static IEnumerable<SiteData> Parts(SiteData data)
    {
        var first = 0;
        foreach (var linear in data.Site.Linears)
        {
            yield return data with { Site = new(data.Site.Input, [linear]), Weight = data.Weight[(first * linear.Inputs)..((first + linear.Outputs) * linear.Inputs)] };
            first += linear.Outputs;
        }
    }

    static (ScaledProblem Problem, float[] Scale) Problem(SiteData part)
    {
        var scaling = SiteScaling.ByColumns(part.Site, part.Weight);
        return (ScaledProblem.Of(scaling.Scaled(), scaling.Rows, scaling.Columns, 1, part.Moment, scaling.ColumnScale, scaling.RowWeights(part.Moment), part.Damping), scaling.ColumnScale);
    }

    (Codebook Main, Codebook Residual) Codebooks(IReadOnlyList<ScaledProblem> problems)
    {
        var random = new Random(seed);
        var sample = VectorSample.AlongOutputs(problems, random);
        var main = KMeans.Fit(sample, Centroids, random);
        var codes = KMeans.Assign(sample, main.Values);
        for (var i = 0; i < sample.Count; i++)
            for (var t = 0; t < OutputVectors.Length; t++) sample.At(i, t) -= main.Values[codes[i] * OutputVectors.Length + t];
        return (main, KMeans.Fit(sample, Centroids, random));
    }

    StoredLinear Store(SiteData part)
    {
        var linear = part.Site.Linears[0];
        var (problem, scale) = Problem(part);
        var (main, residual) = HasOwn(linear) || _main is null ? Codebooks([problem]) : (_main, _residual!);
        var coded = CodedProblem.Of(problem, new OutputVectors(main, residual), sweeps);
        var codes = new VptqCodes(Layout(linear.Outputs, linear.Inputs), Pack(coded), Tensor.Create<Half>([1, Centroids, OutputVectors.Length], main.Stored))
        {
            ResidualCodebook = Tensor.Create<Half>([1, Centroids, OutputVectors.Length], residual.Stored),
            Scale = Tensor.Vector<Half>(Array.ConvertAll(scale, s => (Half)s)),
        };
        return new(VptqMatMul.Schema.Name, OnnxEffOperators.Domain, [("K", linear.Inputs), ("N", linear.Outputs)], VptqMatMul.Tensors(codes), Error(part, 0, codes.Decode()));
    }

    static Tensor Pack(CodedProblem coded)
    {
        var problem = coded.Problem;
        var layout = Layout(problem.Rows, problem.Columns);
        var words = new int[layout.Vectors * layout.RowWords];
        for (var vector = 0; vector < layout.Vectors; vector++)
            for (var place = 0; place < problem.Columns; place++)
            {
                var tile = vector * OutputVectors.Length / RowTile.Rows;
                var code = coded.Tile(tile)[(place * RowTile.Rows)..];
                var inTile = vector % OutputVectors.PerTile;
                PackedIndices.Write(words.AsSpan(vector * layout.RowWords, layout.RowWords), problem.Order[place], layout.CodeBits,
                    code[inTile] | (uint)code[OutputVectors.PerTile + inTile] << layout.MainBits);
            }
        return Tensor.Create<int>([1, layout.Vectors, layout.RowWords], words);
    }
}
