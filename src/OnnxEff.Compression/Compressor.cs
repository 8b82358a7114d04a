using System.Diagnostics;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.Compression;

/// <summary>A product and what it became.</summary>
/// <param name="Linear">The product.</param>
/// <param name="Stored">Its stored form.</param>
public sealed record CompressedLinear(ConstantLinear Linear, StoredLinear Stored);

/// <summary>
/// Quantises a model's linear layers in the order in which it computes. What matrices share is fitted first, on statistics of the model as it is. Then two
/// runs of the text go through the model side by side, one as it is and one with all layers quantised so far: a layer is quantised for the inputs that
/// it will really get, and towards the outputs that it should make.
/// </summary>
/// <param name="model">The model, sorted.</param>
/// <param name="signature">What its inputs mean.</param>
/// <param name="found">Its linear layers.</param>
/// <param name="windows">The calibration text.</param>
/// <param name="evaluator">Runs it.</param>
/// <param name="quantizer">The stored form.</param>
public sealed class Compressor(Model model, DecoderSignature signature, FoundLinears found, CalibrationWindows windows, IGraphEvaluator evaluator, SiteQuantizer quantizer)
{
    const long FitWeights = 12 << 20; // A codebook has a thousand numbers: more matrices say the same of it.
    const int FitWindows = 16;

    readonly IReadOnlyList<GraphSegment> _segments = GraphSegments.Cut(model.Graph, [.. found.Sites.Select(site => site.Input)]);

    /// <summary>Every how many layers' worth of sites the fit takes in.</summary>
    int FitStride => (int)Math.Max(1, (found.Weights + FitWeights - 1) / FitWeights);

    /// <summary>What the work will take.</summary>
    public ExpectedWork Expected => new(model, found, windows, quantizer.NeedsFit ? [.. found.Sites.Where((_, index) => IsFitted(index))] : [], Sampled);

    /// <summary>The text that the fit looks at: where not all matrices are in it, a part says enough.</summary>
    CalibrationWindows Sampled => FitStride == 1 ? windows : windows with { Count = Math.Min(windows.Count, FitWindows) };

    /// <summary>Runs, or goes on where an earlier run was cut off.</summary>
    /// <param name="work">Where results are kept; null for nowhere.</param>
    /// <param name="progress">Told what is going on.</param>
    /// <exception cref="InvalidDataException">The model or the text cannot be quantised with.</exception>
    public IReadOnlyList<CompressedLinear> Run(WorkFolder? work = null, IProgress<string>? progress = null)
    {
        foreach (var linear in found.Linears)
            if (quantizer.Refusal(linear) is { } refusal) throw new NotSupportedException($"'{linear.Name}' cannot be stored so: {refusal}.");
        if (quantizer.NeedsFit)
        {
            if (work?.Fit is { } kept) quantizer.LoadFit(kept);
            else
            {
                quantizer.Fit(Statistics(progress), [.. found.Sites], progress);
                work?.KeepFit(quantizer.SaveFit());
            }
        }
        return Quantize(work, progress);
    }

    bool IsFitted(int index)
    {
        const int LayerSites = 4; // The inputs of attention, of its output, of the feed-forward layer and of its output.
        return index / LayerSites % FitStride == 0;
    }

    List<SiteData> Statistics(IProgress<string>? progress)
    {
        var run = new CalibrationRun(model, signature, Sampled, evaluator);
        run.Prepare(_segments);
        var data = new List<SiteData>();
        for (var index = 0; index < _segments.Count; index++)
        {
            var site = found.Sites[index];
            progress?.Report($"Collecting statistics: {index + 1} of {_segments.Count}");
            var moment = IsFitted(index) ? new InputMoment(site.Inputs) : null;
            run.Run(_segments[index], moment);
            if (moment is null) continue;
            data.Add(new(site, Weight(site), moment.Second(), moment.Tokens));
            GC.Collect(); // As below.
        }
        return data;
    }

    List<CompressedLinear> Quantize(WorkFolder? work, IProgress<string>? progress)
    {
        var pool = new TensorPool();
        var (asItIs, quantised) = (new CalibrationRun(model, signature, windows, evaluator, pool), new CalibrationRun(model, signature, windows, evaluator, pool));
        asItIs.Prepare(_segments);
        quantised.Prepare(_segments);
        var done = new List<CompressedLinear>();
        var clock = Stopwatch.StartNew();
        for (var index = 0; index < _segments.Count; index++)
        {
            var site = found.Sites[index];
            progress?.Report($"Quantising: {index + 1} of {_segments.Count}{Left(clock, index)}");
            var kept = work?.Site(index);
            asItIs.Run(_segments[index], null, keepsTaps: kept is null);
            if (kept is null)
            {
                var moment = new InputMoment(site.Inputs);
                quantised.Run(_segments[index], moment, other: asItIs.Taps);
                var second = moment.Second();
                var target = DriftCorrection.Of(Weight(site), second, moment.Cross()!, site.Inputs);
                kept = quantizer.Quantize(index, new(site, target, second, moment.Tokens));
                work?.KeepSite(index, kept);
            }
            else
                quantised.Run(_segments[index], null);
            GC.Collect(); // A site leaves many large arrays; the collector alone lets gigabytes of them pile up.
            for (var i = 0; i < kept.Length; i++)
            {
                quantised.Replaced[site.Linears[i].Weight] = site.Linears[i].Write(quantizer.Decode(kept[i]));
                done.Add(new(site.Linears[i], kept[i]));
            }
        }
        return done;
    }

    string Left(Stopwatch clock, int index)
    {
        if (index == 0) return "";
        var before = found.Sites.Take(index).Sum(site => site.Weights);
        var left = clock.Elapsed * ((double)(found.Weights - before) / before);
        return $", {left.TotalMinutes:0} min {left.Seconds:00} s left";
    }

    static float[] Weight(LinearSite site) => [.. site.Linears.SelectMany(linear => linear.Read())];
}
