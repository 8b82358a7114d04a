using System.Diagnostics;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

/// <summary>Outputs are whole or absent, and never replace what the user did not offer.</summary>
public sealed class OutputTests : IDisposable
{
    readonly TempFolder folder = new();

    [Fact]
    public void An_existing_output_is_refused_and_kept()
    {
        File.WriteAllText(folder["out.onnx"], "mine");
        Demo.AssertFailed(2, CliProcess.Run("optimize", Demo.Model, folder["out.onnx"]));
        Assert.Equal("mine", File.ReadAllText(folder["out.onnx"]));
    }

    [Fact]
    public void An_existing_output_is_replaced_when_forced()
    {
        File.WriteAllText(folder["out.onnx"], "mine");
        var result = CliProcess.Run("optimize", Demo.Model, folder["out.onnx"], "--force", "--no-verify");
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.True(new FileInfo(folder["out.onnx"]).Length > 4);
    }

    [Fact]
    public void The_size_of_a_file_counts_its_data_also_where_older_data_lay()
    {
        string Size()
        {
            var result = CliProcess.Run("optimize", Demo.Model, folder["out.onnx"], "--force", "--no-verify", "--external-data", "always");
            Assert.True(result.ExitCode == 0, result.Error);
            return result.Output.Split('\n').Single(line => line.StartsWith("| file", StringComparison.Ordinal)).Split('|')[3];
        }
        var size = Size();
        Assert.Equal(["out.onnx", "out.onnx.data"], folder.Names);
        Assert.Equal(size, Size());
        Assert.Equal(["out.onnx", "out.onnx.1.data"], folder.Names.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_input_is_never_the_output(bool throughLink)
    {
        File.Copy(Demo.Model, folder["in.onnx"]);
        var output = folder["in.onnx"];
        if (throughLink) File.CreateSymbolicLink(output = folder["link.onnx"], folder["in.onnx"]);
        Demo.AssertFailed(2, CliProcess.Run("optimize", folder["in.onnx"], output, "--force"));
        Assert.Equal(File.ReadAllBytes(Demo.Model), File.ReadAllBytes(folder["in.onnx"]));
    }

    [Fact]
    public void A_dry_run_writes_nothing()
    {
        var result = CliProcess.Run("optimize", Demo.Model, folder["out.onnx"], "--dry-run");
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void A_full_disk_leaves_nothing_behind()
    {
        if (Tool.Find("unshare") is not { } unshare) Assert.Skip("unshare, which makes a small file system, is not installed.");
        else
        {
            if (Tool.Run(unshare, ["-rm", "mount", "-t", "tmpfs", "tmpfs", folder.Path]).ExitCode != 0)
                Assert.Skip("This system lets a test mount no small file system.");
            var command = string.Join(' ', [CliProcess.Program, .. CliProcess.Arguments("optimize", Demo.Model, folder["out.onnx"])]);
            var result = Tool.Run(unshare, ["-rm", "sh", "-c",
                $"mount -t tmpfs -o size=1m tmpfs '{folder.Path}' && {{ {command}; code=$?; ls -A '{folder.Path}'; exit $code; }}"]);
            Demo.AssertFailed(5, result);
        }
    }

    [Fact]
    public void An_unwritable_folder_is_an_error_of_input_and_output()
    {
        File.WriteAllText(folder["file"], "no folder");
        Demo.AssertFailed(5, CliProcess.Run("optimize", Demo.Model, Path.Combine(folder["file"], "out.onnx")));
    }

    [Fact]
    public void A_killed_process_leaves_no_partial_output()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no signal that cannot be caught.");
        const long size = 256L << 20;
        var data = folder["in.data"];
        using (var file = File.Create(data)) file.SetLength(size); // Sparse: costs no space to have, but time to copy.
        File.WriteAllBytes(folder["in.onnx"], OnnxBytes.Model(
            OnnxBytes.External("w", [4, size / 16], "in.data", 0, size), OnnxBytes.Node("MatMul", ["x", "w"], ["wide"]),
            OnnxBytes.Node("ReduceMax", ["wide"], ["top"]), OnnxBytes.Node("Add", ["x", "top"], ["y"])));
        Directory.CreateDirectory(folder["target"]);

        using var process = CliProcess.Start("optimize", folder["in.onnx"], Path.Combine(folder["target"], "out.onnx"), "--no-verify", "--external-data", "always");
        var watch = Stopwatch.StartNew();
        while (!process.HasExited && watch.Elapsed < TimeSpan.FromSeconds(60) && !Directory.EnumerateFiles(folder["target"]).Any())
            Thread.Sleep(1);
        if (!process.HasExited) process.Kill();
        process.WaitForExit();
        if (process.ExitCode == 0) Assert.Skip("The process was done before it could be killed.");
        Assert.False(File.Exists(Path.Combine(folder["target"], "out.onnx")), process.StandardError.ReadToEnd());
    }

    public void Dispose() => folder.Dispose();
}
