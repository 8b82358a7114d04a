using System.Globalization;
using System.Text;
using OnnxEff.Benchmarks.Limits;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.Attention;

/// <summary>Measurements as Markdown and as a plot.</summary>
sealed class AttentionReport(IReadOnlyList<AttentionMeasurement> measured)
{
    static readonly CultureInfo English = CultureInfo.InvariantCulture;

    IEnumerable<int> ThreadCounts => measured.Select(m => m.Threads).Distinct();

    /// <summary>A header, and a row for each case and number of threads.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.Append(English, $"""
            # Attention on one machine

            - Processor: {Machine.Processor}, {Environment.ProcessorCount} threads
            - Operator library: {string.Join(", ", Machine.OperatorLibraries)}
            - ONNX Runtime {OrtRuntime.Version}, threads do not spin

            """);
        foreach (int threads in ThreadCounts)
        {
            MachineLimits limits = Highest(threads);
            text.Append(English, $"- Limits of {Threads(threads)}: {limits.Flops / 1e9:F0} GFLOP/s of fused multiply-adds, {limits.ReadSpeed / 1e9:F1} GB/s read\n");
        }
        text.Append("""

            Times are medians of runs that take turns with ONNX Runtime's. Shares are of the limits measured in the same rounds: FMA counts only
            pairs of a query and a key that it sees, read only the bytes of keys and values. Columns of ONNX Runtime: its time, and how many
            times ours it is; – where the operator cannot say the case, or would hold more than 2 GiB of scores.


            """);
        string[] ways = [.. measured.SelectMany(m => m.Rivals).Select(rival => rival.Way).Distinct()];
        Row(text, ["case", "threads", "time", "GFLOP/s", "of FMA", "GB/s", "of read", .. ways, "best of them"]);
        Row(text, ["---", .. Enumerable.Repeat("---:", 7 + ways.Length)]);
        foreach (AttentionMeasurement m in measured)
            Row(text,
            [
                m.Case.Name, m.Threads.ToString(English), Time(m.Seconds),
                $"{m.Case.Flops / m.Seconds / 1e9:F0}", $"{m.ShareOfFlops:P0}", $"{m.Case.KvBytes / m.Seconds / 1e9:F1}", $"{m.ShareOfReadSpeed:P0}",
                .. ways.Select(way => m.Rivals.FirstOrDefault(rival => rival.Way == way) is { } rival ? $"{Time(rival.Seconds)} ({rival.Ratio:F2}×)" : "–"),
                $"{m.Best.Ratio:F2}×",
            ]);
        return text.ToString();
    }

    /// <summary>A roofline for each number of threads.</summary>
    public string ToSvg() => RooflinePlot.Draw([.. ThreadCounts.Select(threads => new RooflinePanel(
        Threads(threads), Highest(threads).Flops, Highest(threads).ReadSpeed, [.. measured.Where(m => m.Threads == threads).SelectMany(Points)]))]);

    static IEnumerable<RooflinePoint> Points(AttentionMeasurement m) => m.Rivals
        .Select(rival => new RooflinePoint(rival.Way, m.Case.Name, m.Case.Intensity, m.Case.Flops / rival.Seconds))
        .Prepend(new(AttentionWay.Ours.Name, m.Case.Name, m.Case.Intensity, m.Case.Flops / m.Seconds));

    // What the machine gave at its best: other programs on it can only lower a measurement.
    MachineLimits Highest(int threads)
    {
        IEnumerable<MachineLimits> limits = measured.Where(m => m.Threads == threads).Select(m => m.Limits);
        return new(limits.Max(l => l.Flops), limits.Max(l => l.ReadSpeed));
    }

    static string Threads(int count) => count == 1 ? "1 thread" : $"{count} threads";

    static string Time(double seconds) => seconds >= 1 ? $"{seconds.ToString("F2", English)} s" : $"{(seconds * 1e3).ToString(seconds >= 0.1 ? "F0" : "F2", English)} ms";

    static void Row(StringBuilder text, IEnumerable<string> cells) => text.Append(English, $"| {string.Join(" | ", cells)} |\n");
}
