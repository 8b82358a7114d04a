using OnnxEff.Ir.Onnx;
using OnnxEff.Tests.Cli;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Hosts;

/// <summary>A file whose products are stored in few bits carries their functions: it runs where the operator library is not, too.</summary>
public sealed class CompressedModelTests : IDisposable
{
    const string Prompt = "0,33,261,357,476,290,628,288";
    const string Count = "12";

    readonly TempFolder folder = new();

    public CompressedModelTests()
    {
        Native.Require();
        OperatorLibrary.Require();
        string text = Path.Combine(Fixtures.Root, "models", "kjv", "valid.npy");
        var run = CliProcess.Run("compress", Demo.Model, folder["model.onnx"], "--weights", "vptq:2", "--target", "ort", "--calibration", text, "--calibration-tokens", "1024");
        Assert.True(run.ExitCode == 0, run.Error);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_python_program_gets_the_same_tokens_with_the_library_and_without()
    {
        string[] call = [Path.Combine(Fixtures.Root, "samples", "Python", "run.py"), folder["model.onnx"], Prompt, Count];
        string python = PythonEnvironment.Require();
        var with = Tool.Run(python, [.. call, OperatorLibrary.Require()]);
        Assert.True(with.ExitCode == 0, with.Error);
        var without = Tool.Run(python, call);
        Assert.True(without.ExitCode == 0, without.Error);
        Assert.Equal(with.Output, without.Output);
        Assert.Equal(int.Parse(Count), with.Output.Split(',').Length);
    }

    [Fact]
    public void Rewriting_the_file_keeps_its_stored_products()
    {
        var run = CliProcess.Run("optimize", folder["model.onnx"], folder["again.onnx"]);
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        var (first, again) = (OnnxReader.Load(folder["model.onnx"]), OnnxReader.Load(folder["again.onnx"]));
        Assert.Equal(30, again.Graph.Nodes.Count(node => node.Is("VptqMatMul", "onnxeff")));
        Assert.Equal(first.Functions.Select(function => function.Overload), again.Functions.Select(function => function.Overload));
        Assert.All(again.Graph.Nodes.Where(node => node.Is("VptqMatMul", "onnxeff")), node => Assert.NotEmpty(node.Overload));
    }
}
