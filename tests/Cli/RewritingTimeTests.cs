using OnnxEff.Ir.Onnx;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

public class RewritingTimeTests
{
    const int Few = 20, Many = 80, Runs = 3;
    const double Limit = 2000; // ms

    /// <summary>Of a whole run, reading and writing too. Seconds of the processor, so that other processes do not count.</summary>
    [Fact]
    public void Eighty_layers_take_less_than_two_seconds_and_time_grows_with_the_nodes()
    {
        if (CliProcess.Program == "dotnet")
            Assert.Skip("The command line is not published; managed code spends its first second compiling itself.");
        using var folder = new TempFolder();
        var (few, many) = (Measure(folder, Few), Measure(folder, Many));
        Assert.True(many.Milliseconds < Limit, $"{many.Nodes} nodes took {many.Milliseconds:0} ms.");
        var ratio = many.Milliseconds / many.Nodes / (few.Milliseconds / few.Nodes);
        // Starting takes the same time for both, so the ratio is below 1 where each node costs the same.
        Assert.True(ratio < 1.6, $"A node of {Many} layers took {ratio:0.0} times as long as one of {Few}: {few.Milliseconds:0} ms and {many.Milliseconds:0} ms.");
    }

    static (int Nodes, double Milliseconds) Measure(TempFolder folder, int layers)
    {
        var (input, output) = (folder[$"{layers}.onnx"], folder[$"{layers}-out.onnx"]);
        var model = DeepModel.Of(Fixtures.Of("llama--optimum", "model.onnx"), layers);
        OnnxWriter.Save(model, input);
        return (model.Graph.Nodes.Count, Enumerable.Range(0, Runs).Min(_ => CliProcess.ProcessorMilliseconds("optimize", input, output, "--no-verify", "--force")));
    }
}
