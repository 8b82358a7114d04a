using OnnxEff.Formats;
using OnnxEff.Ops;

namespace OnnxEff.Compression;

/// <summary>
/// Vectors along the inputs with one codebook for the whole model, or two where a mean rate lies between those that there are. The recipe of
/// compression-papers 1.9; equations and files are in this folder's README.
/// </summary>
/// <param name="low">The rate.</param>
/// <param name="high">A higher one that some sites take; the same for none.</param>
/// <param name="target">The mean rate with side data; 0 where there is one rate only.</param>
/// <param name="seed">Of k-means.</param>
/// <param name="effort">How hard to try.</param>
public sealed class VqQuantizer(VqRate low, VqRate high, double target, int seed, FitEffort effort) : SiteQuantizer
{
    readonly List<Codebook> _codebooks = [];
    bool[] _takesHigh = [];

    /// <summary>One rate.</summary>
    public static VqQuantizer Of(VqRate rate, int seed, FitEffort? effort = null) => new(rate, rate, 0, seed, effort ?? new());

    /// <summary>The rates around a mean of so many bits with side data.</summary>
    /// <exception cref="ArgumentException">No two rates lie around it.</exception>
    public static VqQuantizer Around(double bits, FoundLinears found, int seed, FitEffort? effort = null)
    {
        var side = found.Sites.Sum(SideBits) / found.Weights;
        var rates = VqRate.All;
        if (bits < rates[0].Bits + side)
            throw new ArgumentException(FormattableString.Invariant($"{bits} bits a weight cannot be had: this model takes at least {rates[0].Bits + side:0.00} with side data."));
        var above = rates.ToList().FindIndex(rate => rate.Bits + side >= bits);
        return above < 0 ? Of(rates[^1], seed, effort) : new(rates[above - 1], rates[above], bits, seed, effort ?? new());
    }

    /// <inheritdoc/>
    public override string Settings => FormattableString.Invariant($"vq 1 {low} {high} {target} {seed} {effort}");

    /// <inheritdoc/>
    public override bool NeedsFit => true;

    /// <inheritdoc/>
    public override double BitsOf(LinearSite site) => (target > 0 ? target : low.Bits) + SideBits(site) / site.Weights;

    /// <inheritdoc/>
    public override void Fit(IReadOnlyList<SiteData> sites, IReadOnlyList<LinearSite> all, IProgress<string>? progress)
    {
        var (lows, losses) = FitRate(low, sites, progress);
        _codebooks.Add(lows);
        _takesHigh = new bool[all.Count];
        if (low == high) return;
        var (highs, better) = FitRate(high, sites, progress);
        _codebooks.Add(highs);
        var weights = all.Sum(site => site.Weights);
        var side = (all.Sum(SideBits) + _codebooks.Sum(c => 16.0 * c.Values.Length)) / weights;
        var gains = sites.Select((data, i) => (data.Site, Gain: losses[i] - better[i])).ToDictionary(g => g.Site, g => g.Gain);
        _takesHigh = VqRateChoice.Of(all, gains, (target - side - low.Bits) / (high.Bits - low.Bits));
    }

    /// <inheritdoc/>
    public override byte[] SaveFit()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(_takesHigh.Length);
        foreach (var takes in _takesHigh) writer.Write(takes);
        writer.Write(_codebooks.Count);
        foreach (var codebook in _codebooks)
        {
            writer.Write(codebook.Length);
            writer.Write(codebook.Values.Length);
            foreach (var value in codebook.Values) writer.Write(value);
        }
        writer.Flush();
        return stream.ToArray();
    }

    /// <inheritdoc/>
    public override void LoadFit(byte[] fit)
    {
        using var reader = new BinaryReader(new MemoryStream(fit));
        _takesHigh = [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => reader.ReadBoolean())];
        _codebooks.AddRange(Enumerable.Range(0, reader.ReadInt32()).Select(_ =>
            new Codebook(reader.ReadInt32(), [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => reader.ReadSingle())])).ToArray());
    }

    /// <inheritdoc/>
    public override StoredLinear[] Quantize(int index, SiteData data)
    {
        var codebook = _codebooks[_takesHigh[index] ? 1 : 0];
        var scaling = SiteScaling.Of(data.Site, data.Weight);
        var problem = Problem(scaling, data, codebook.Length);
        var coded = CodedProblem.Of(problem, new CodebookRounding(problem, codebook), effort.FinalSweeps);
        var (stored, first) = (new StoredLinear[data.Site.Linears.Count], 0);
        for (var i = 0; i < stored.Length; i++)
        {
            var linear = data.Site.Linears[i];
            var weight = Weight(scaling, coded, codebook, first, linear.Outputs);
            stored[i] = new(VqMatMul.Schema.Name, OnnxEffOperators.Domain, [("K", linear.Inputs), ("N", linear.Outputs)],
                VqMatMul.Tensors(VqInputCodes.Pack(weight)), Error(data, first, weight.Decode()));
            first += linear.Outputs;
        }
        return stored;
    }

    /// <inheritdoc/>
    public override float[] Decode(StoredLinear stored)
    {
        long Of(string name) => stored.Attributes.First(a => a.Name == name).Value;
        var codebook = stored["codebook"]!;
        var layout = new VqInputLayout((int)Of("N"), (int)Of("K"), (int)codebook.Dims[1], (int)codebook.Dims[0]);
        return new VqInputCodes(layout, stored["codes"]!, codebook)
        {
            ColumnScale = stored["column_scale"],
            RowScale = stored["row_scale"],
            OutlierRows = stored["outlier_rows"],
            OutlierInputs = stored["outlier_inputs"],
            OutlierValues = stored["outlier_values"],
        }.Unpack().Decode();
    }

    (Codebook Codebook, double[] Losses) FitRate(VqRate rate, IReadOnlyList<SiteData> sites, IProgress<string>? progress)
    {
        ScaledProblem[] problems = [.. sites.Select(data => Problem(SiteScaling.Of(data.Site, data.Weight), data, rate.Length))];
        var codebook = CodebookFit.Of(problems, rate.Centroids, effort, seed, (round, _) => progress?.Report($"Fitting the codebook: round {round + 1} of {effort.Rounds}"));
        return (codebook, low == high ? [] : [.. problems.Select(problem => CodedProblem.Of(problem, new CodebookRounding(problem, codebook), effort.Sweeps).Loss)]);
    }

    static ScaledProblem Problem(SiteScaling scaling, SiteData data, int length) => ScaledProblem.Of(scaling.Scaled(), scaling.Rows, scaling.Columns, length,
        data.Moment, scaling.ColumnScale, scaling.RowWeights(data.Moment), data.Damping);

    /// <summary>Scales of columns, and of rows where they could pay.</summary>
    static double SideBits(LinearSite site) => 16.0 * site.Inputs + (site.Inputs >= 512 ? 16.0 * site.Outputs : 0);

    static VqInputWeight Weight(SiteScaling scaling, CodedProblem coded, Codebook codebook, int first, int rows)
    {
        var (problem, k) = (coded.Problem, scaling.Columns);
        var codes = new byte[rows * problem.Blocks];
        for (var row = 0; row < rows; row++)
            for (var place = 0; place < problem.Blocks; place++) codes[row * problem.Blocks + problem.Order[place]] = coded.At(first + row, place);
        var weight = new VqInputWeight(rows, k, codebook.Length, codes, codebook.Stored)
        {
            ColumnScale = Array.ConvertAll(scaling.ColumnScale, s => (Half)s),
            RowScale = scaling.RowScale is null ? null : Array.ConvertAll(scaling.RowScale[first..(first + rows)], s => (Half)s),
        };
        // A codebook gives outliers near to nothing; what they hold is the rest.
        var decoded = weight.Decode();
        return weight with
        {
            Outliers = [.. scaling.Outliers.Where(at => at / k >= first && at / k < first + rows)
                .Select(at => new OutlierWeight(at / k - first, at % k, (Half)(scaling.Weight[at] - decoded[at - first * k])))],
        };
    }
}
