using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

/// <summary>Malformed and hostile files: exit code 3, one sentence, nothing written.</summary>
public sealed class BadInputTests : IDisposable
{
    readonly TempFolder folder = new();

    [Fact]
    public void A_truncated_file_is_rejected()
    {
        var whole = File.ReadAllBytes(Demo.Model);
        File.WriteAllBytes(folder["in.onnx"], whole[..(whole.Length * 3 / 5)]);
        AssertRejected();
    }

    [Fact]
    public void An_empty_file_is_rejected()
    {
        File.WriteAllBytes(folder["in.onnx"], []);
        AssertRejected();
    }

    [Fact]
    public void A_file_of_another_kind_is_rejected()
    {
        File.Copy(Path.Combine(Fixtures.Root, "LICENSE"), folder["in.onnx"]);
        AssertRejected();
    }

    [Fact]
    public void Missing_external_data_are_rejected() => AssertRejected(
        OnnxBytes.External("w", [4], "absent.bin", 0, 16), Add());

    [Theory]
    [InlineData("../secret.bin")]
    [InlineData("sub/../../secret.bin")]
    [InlineData("/etc/hostname")]
    public void An_external_path_that_leaves_the_folder_is_rejected(string location)
    {
        using var model = new TempFolder();
        Directory.CreateDirectory(model["a"]);
        File.WriteAllBytes(model["secret.bin"], new byte[4096]);
        File.WriteAllBytes(Path.Combine(model["a"], "in.onnx"), OnnxBytes.Model(OnnxBytes.External("w", [4], location, 0, 16), Add()));
        AssertRejected(Path.Combine(model["a"], "in.onnx"));
    }

    [Theory]
    [InlineData(4096L, 16L)]
    [InlineData(0L, 8192L)]
    [InlineData(-16L, 16L)]
    [InlineData(long.MaxValue - 8, 16L)]
    public void External_data_past_the_end_of_their_file_are_rejected(long offset, long length)
    {
        File.WriteAllBytes(folder["w.bin"], new byte[4096]);
        AssertRejected(OnnxBytes.External("w", [length / 4], "w.bin", offset, length), Add());
    }

    [Fact]
    public void An_unknown_operator_domain_is_rejected() => AssertRejected(
        OnnxBytes.Node("Mystery", ["x"], ["y"], "com.example"));

    [Fact]
    public void A_cyclic_graph_is_rejected() => AssertRejected(
        OnnxBytes.Node("Add", ["x", "b"], ["a"]), OnnxBytes.Node("Neg", ["a"], ["b"]), OnnxBytes.Node("Identity", ["b"], ["y"]));

    [Theory]
    [InlineData(1L << 40, 1L << 40)]
    [InlineData(1L << 62, 8L)]
    [InlineData(-1L, -4L)]
    [InlineData(long.MinValue, 1L)]
    public void Absurd_dimensions_are_rejected(long rows, long columns) => AssertRejected(
        OnnxBytes.Inline("w", [rows, columns], new byte[16]), Add());

    public void Dispose() => folder.Dispose();

    static OnnxBytes Add() => OnnxBytes.Node("Add", ["x", "w"], ["y"]);

    void AssertRejected(params OnnxBytes[] graph)
    {
        if (graph.Length > 0) File.WriteAllBytes(folder["in.onnx"], OnnxBytes.Model(graph));
        AssertRejected(folder["in.onnx"]);
    }

    static void AssertRejected(string input)
    {
        using var target = new TempFolder();
        var result = CliProcess.Run("optimize", input, target["out.onnx"]);
        Demo.AssertFailed(3, result);
        Assert.Empty(target.Names);
    }
}
