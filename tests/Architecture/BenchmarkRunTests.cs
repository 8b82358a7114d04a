using System.Text.RegularExpressions;
using System.Xml.Linq;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Architecture;

public sealed class BenchmarkRunTests : IDisposable
{
    static readonly string[] Cases =
    [
        "prefill S=64 D=128", "prefill S=64 D=64", "decode T=256 in place", "decode T=256 concat", "decode T=256 in place fp16",
    ];

    readonly TempFolder folder = new();

    [Fact]
    public void A_quick_run_measures_every_case_beside_every_way_of_ONNX_Runtime()
    {
        string output = Run("attention", "--quick", "--threads", "1", "2");
        string[][] rows = Rows(output);
        var expected = from threads in (string[])["1", "2"] from name in Cases select (name, threads);
        Assert.Equal(expected, rows[2..].Select(row => (row[0], row[1])));
        Assert.All(rows[0][7..12], way => Assert.Contains(rows[2..], row => Regex.IsMatch(row[Array.IndexOf(rows[0], way)], @"^\d+(\.\d+)? m?s \(\d+\.\d+×\)$")));
        Assert.Equal(output, File.ReadAllText(Path.Combine(folder["bench"], "attention.md")));
        var dots = XDocument.Load(Path.Combine(folder["bench"], "attention.svg")).Descendants().Count(e => e.Name.LocalName == "title");
        Assert.Equal(rows[2..].Sum(row => 1 + row[7..12].Count(cell => cell != "–")), dots);
    }

    // Every way's output is compared with ours before it gives a row.
    [Fact]
    public void A_quick_run_measures_every_mask()
    {
        string[][] rows = Rows(Run("masks", "--quick", "--tokens", "600"));
        Assert.Equal(["causal", "packed documents", "window 512", "global + window 512", "prefix 1024", "tree"], rows[2..].Select(row => row[0]));
        Assert.All(rows[2..], row => Assert.All(row[7..], way => Assert.Matches(@"^\d+(\.\d+)? s \(\d+\.\d+×\)$", way)));
    }

    string Run(params string[] arguments)
    {
        OperatorLibrary.Require();
        ToolResult run = Tool.Run("dotnet", [Path.Combine(AppContext.BaseDirectory, "OnnxEff.Benchmarks.dll"), .. arguments, "--output", folder["bench"]]);
        Assert.True(run.ExitCode == 0, run.Error);
        return run.Output;
    }

    static string[][] Rows(string report) =>
        [.. report.Split('\n').Where(line => line.StartsWith('|')).Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries))];

    public void Dispose() => folder.Dispose();
}
