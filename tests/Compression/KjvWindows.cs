using OnnxEff.Runtime;
using OnnxEff.Tests.Cli;
using OnnxEff.Tests.Testing;

namespace OnnxEff.Tests.Compression;

/// <summary>Perplexity of the demo model on windows of 512 of its held-out text.</summary>
static class KjvWindows
{
    /// <summary>That of a file over that of the model as it was, on every so many windows.</summary>
    /// <param name="path">The file.</param>
    /// <param name="count">Windows.</param>
    /// <param name="stride">From one to the next.</param>
    public static double Ratio(string path, int count, int stride = 3) => Math.Exp(Nll(path, count, stride) - Nll(Demo.Model, count, stride));

    static double Nll(string path, int count, int stride)
    {
        const int Window = 512;
        var ids = TokenFile.Read(Path.Combine(Fixtures.Root, "models", "kjv", "valid.npy"));
        using var session = LlmSession.Open(path, new LlmOptions { Session = new() { CustomOpLibraries = path == Demo.Model ? [] : Library(path) } });
        return Enumerable.Range(0, count).Average(i =>
            PerplexityMeter.Measure(session, ids.AsSpan(i * stride * Window, Window + 1), new() { Window = Window, ScoresBeyondWindow = true }).MeanNll);
    }

    static string[] Library(string path) =>
        OnnxEff.Ir.Onnx.OnnxReader.Load(path).Graph.Nodes.Any(node => node.Domain == "onnxeff") ? [OperatorLibrary.Require()] : [];
}
