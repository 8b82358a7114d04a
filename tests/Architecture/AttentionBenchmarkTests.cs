using System.Text.RegularExpressions;
using System.Xml.Linq;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Architecture;

public sealed class AttentionBenchmarkTests : IDisposable
{
    static readonly string[] Cases =
    [
        "prefill S=64 D=128", "prefill S=64 D=64", "decode T=256 in place", "decode T=256 concat", "decode T=256 in place fp16",
    ];

    readonly TempFolder folder = new();

    [Fact]
    public void A_quick_run_measures_every_case_beside_every_way_of_ONNX_Runtime()
    {
        OperatorLibrary.Require();
        ToolResult run = Tool.Run("dotnet",
            [Path.Combine(AppContext.BaseDirectory, "OnnxEff.Benchmarks.dll"), "attention", "--quick", "--threads", "1", "2", "--output", folder["bench"]]);

        Assert.True(run.ExitCode == 0, run.Error);
        string[][] rows = [.. run.Output.Split('\n').Where(line => line.StartsWith('|')).Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries))];
        var expected = from threads in (string[])["1", "2"] from name in Cases select (name, threads);
        Assert.Equal(expected, rows[2..].Select(row => (row[0], row[1])));
        Assert.All(rows[0][7..12], way => Assert.Contains(rows[2..], row => Regex.IsMatch(row[Array.IndexOf(rows[0], way)], @"^\d+(\.\d+)? m?s \(\d+\.\d+×\)$")));
        Assert.Equal(run.Output, File.ReadAllText(Path.Combine(folder["bench"], "attention.md")));
        var dots = XDocument.Load(Path.Combine(folder["bench"], "attention.svg")).Descendants().Count(e => e.Name.LocalName == "title");
        Assert.Equal(rows[2..].Sum(row => 1 + row[7..12].Count(cell => cell != "–")), dots);
    }

    public void Dispose() => folder.Dispose();
}
