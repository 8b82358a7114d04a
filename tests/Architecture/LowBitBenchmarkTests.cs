using System.Text.RegularExpressions;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Architecture;

public partial class LowBitBenchmarkTests
{
    [Fact]
    public void A_quick_run_measures_every_form_beside_ONNX_Runtime()
    {
        OperatorLibrary.Require();
        ToolResult run = Tool.Run("dotnet",
            [Path.Combine(AppContext.BaseDirectory, "OnnxEff.Benchmarks.dll"), "low-bit", "--quick", "--threads", "1", "2", "--tokens", "1", "40"]);

        Assert.True(run.ExitCode == 0, run.Error);
        string[][] rows = [.. run.Output.Split('\n').Where(line => line.StartsWith('|')).Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries))];
        Assert.Equal([("1", "1"), ("1", "2"), ("40", "1"), ("40", "2")], rows[2..].Select(row => (row[1], row[2])));
        Assert.All(rows[2..], row => Assert.All(row[6..], cell => Assert.Matches(Measured(), cell)));
    }

    [GeneratedRegex(@"^\d+\.\d+ ms \(\d+\.\d+×( / \d+\.\d+×|, \d+ %)\)$")]
    private static partial Regex Measured();
}
