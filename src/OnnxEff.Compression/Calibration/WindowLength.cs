using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.Compression;

/// <summary>How long windows may be: a model with a table of positions takes none with more of them, and only a run shows how many that is.</summary>
public static class WindowLength
{
    const int Probed = 2; // Segments: embeddings lie before the first product, the first attention between it and the second.

    /// <summary>The windows, or with half their length as often as it takes for the model to run on one.</summary>
    /// <param name="windows">A text.</param>
    /// <param name="wanted">Tokens wanted of it.</param>
    /// <param name="model">The model, sorted.</param>
    /// <param name="signature">What its inputs mean.</param>
    /// <param name="found">Its linear layers.</param>
    /// <param name="evaluator">Runs it.</param>
    /// <exception cref="InvalidDataException">The model runs on no window, or the text holds ids that its vocabulary has not.</exception>
    public static CalibrationWindows Fit(CalibrationWindows windows, int wanted, Model model, DecoderSignature signature, FoundLinears found, IGraphEvaluator evaluator)
    {
        if (signature.Vocabulary is { } vocabulary && Array.FindIndex(windows.Tokens, id => id >= vocabulary) is >= 0 and var at)
            throw new InvalidDataException($"Token {at} of the calibration text is {windows.Tokens[at]}, and the model's vocabulary has {vocabulary}: give ids of this model's tokenizer.");
        var segments = GraphSegments.Cut(model.Graph, [.. found.Sites.Select(site => site.Input)]).Take(Probed).ToArray();
        for (var tried = windows; ; tried = CalibrationWindows.Of(windows.Tokens, wanted, tried.Window / 2))
        {
            try
            {
                var run = new CalibrationRun(model, signature, tried with { Count = 1 }, evaluator);
                run.Prepare(segments);
                foreach (var segment in segments) run.Run(segment, null, keepsTaps: true);
                return tried;
            }
            catch (InvalidDataException) when (tried.Window / 2 >= CalibrationWindows.Shortest)
            {
                // The shortest one says why.
            }
        }
    }
}
