using OnnxEff.Ir;

namespace OnnxEff.Compression;

/// <summary>What a run will take, told before it starts: from the shapes of the matrices and the length of the text alone.</summary>
/// <param name="model">The model.</param>
/// <param name="found">Its linear layers.</param>
/// <param name="windows">The text.</param>
/// <param name="fitted">The sites that something is fitted to before; none where nothing is.</param>
/// <param name="sampled">The text of that.</param>
public sealed class ExpectedWork(Model model, FoundLinears found, CalibrationWindows windows, IReadOnlyList<LinearSite> fitted, CalibrationWindows sampled)
{
    /// <summary>
    /// Bytes at most, model and runtime included: what is fitted to with its moments, or one site with its own, and beside either what all windows
    /// hold between two segments.
    /// </summary>
    public long Bytes
    {
        get
        {
            const long Runtime = 700L << 20; // This program, and ONNX Runtime with the values inside of a segment.
            const double Garbage = 1.5; // Arrays that were let go, until the collector comes by, with those that are held.
            var weights = model.Tensors.Sum(tensor => tensor.Data.Length);
            var fit = fitted.Count == 0 ? 0 : fitted.Sum(site => 12 * site.Weights + 16 * Squared(site)) + Scratch(fitted) + Between(sampled, runs: 1);
            var one = Scratch(found.Sites) + Between(windows, runs: 2);
            return Runtime + weights + (long)(Garbage * Math.Max(fit, one));
        }
    }

    /// <summary>Minutes on so many processors.</summary>
    /// <param name="processors">Processors.</param>
    /// <param name="speed">What <see cref="TileSpeed"/> measures of one of them.</param>
    public double Minutes(int processors, double speed)
    {
        // Multiply-adds a second and processor, of ONNX Runtime and of the work on tiles; both do more beside them.
        var (runtime, tiles) = (0.5 * speed, 0.5 * speed);
        var squares = (double)windows.TokenCount * found.Sites.Sum(Squared) * 2 + (double)sampled.TokenCount * fitted.Sum(Squared);
        var forward = (double)found.Weights * (2 * windows.TokenCount + (fitted.Count > 0 ? sampled.TokenCount : 0));
        // A product with the moment is what everything is made of: a round of the fit has eleven of them, and a site takes some twelve in the end.
        var products = 12 * found.Sites.Sum(Product) + 8 * 11 * fitted.Sum(Product);
        return ((forward + squares) / runtime + products / tiles) / processors / 60;
    }

    static double Product(LinearSite site) => (double)site.Weights * site.Inputs;

    static long Squared(LinearSite site) => (long)site.Inputs * site.Inputs;

    /// <summary>A site at work: its weight in ten forms, and moments, factors and feedback as fp64 and fp32.</summary>
    static long Scratch(IReadOnlyList<LinearSite> sites) => sites.Max(site => 40 * site.Weights + 56 * Squared(site));

    /// <summary>Values of tokens that wait for later segments: in each run the residual stream and what the products of a layer read, of each width.</summary>
    long Between(CalibrationWindows text, int runs) => 4 * text.TokenCount * (1 + runs) * (found.Sites[0].Inputs + found.Sites.Select(site => site.Inputs).Distinct().Sum());
}
