using OnnxEff.Benchmarks.Limits;
using OnnxEff.Benchmarks.Running;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.Attention;

/// <summary>A way of ONNX Runtime beside ours.</summary>
/// <param name="Way">Its name.</param>
/// <param name="Seconds">Its median.</param>
/// <param name="Ours">Our median of the same rounds.</param>
/// <param name="Limits">The machine's of the same rounds.</param>
sealed record AttentionRival(string Way, double Seconds, double Ours, MachineLimits Limits)
{
    /// <summary>How many times as long it takes.</summary>
    public double Ratio => Seconds / Ours;
}

/// <summary>A case with a number of threads, measured.</summary>
/// <param name="Case">The case.</param>
/// <param name="Threads">Threads of each session.</param>
/// <param name="Rivals">One for each way that takes the case.</param>
sealed record AttentionMeasurement(AttentionCase Case, int Threads, IReadOnlyList<AttentionRival> Rivals)
{
    /// <summary>Our time.</summary>
    public double Seconds => Turns.Median(Rivals.Select(rival => rival.Ours));

    /// <summary>The way that is fastest beside ours.</summary>
    public AttentionRival Best => Rivals.MinBy(rival => rival.Ratio)!;

    /// <summary>The machine's, of the rounds in which our times were taken.</summary>
    public MachineLimits Limits => new(Turns.Median(Rivals.Select(rival => rival.Limits.Flops)), Turns.Median(Rivals.Select(rival => rival.Limits.ReadSpeed)));

    public double ShareOfFlops => Case.Flops / Seconds / Limits.Flops;

    public double ShareOfReadSpeed => Case.KvBytes / Seconds / Limits.ReadSpeed;
}

/// <summary>Runs cases, one rival at a time: memory holds one S×T matrix per head of ONNX Runtime, not one for each way.</summary>
sealed class AttentionBenchmark(AttentionWay ours, IReadOnlyList<AttentionWay> others, Effort effort, Action<string> progress)
{
    const double Tolerance = 1e-2; // Averages of many numbers below 1, some of them in fp16.

    public AttentionMeasurement Measure(AttentionCase @case, int threads)
    {
        var rivals = new List<AttentionRival>();
        foreach (AttentionWay way in others.Where(way => way.Takes(@case)))
        {
            progress($"{@case.Name}, threads: {threads}, beside {way.Name}");
            rivals.Add(Compare(@case, way, threads));
        }
        return new(@case, threads, rivals);
    }

    AttentionRival Compare(AttentionCase @case, AttentionWay way, int threads)
    {
        // Threads of one session that spin would take the processor from the other one.
        var options = new OrtSessionOptions { IntraOpThreads = threads, Spinning = false };
        using var data = new AttentionData(@case);
        OrtTensor ourOutput = data.NewOutput(), theirOutput = data.NewOutput();
        using BoundSession first = Open(ours, ourOutput), second = Open(way, theirOutput);
        double[] seconds = Turns.Medians(effort, first.Run, second.Run, () => LimitWork.Multiply(threads), () => LimitWork.Read(threads));
        RequireEqual(way.Name, ourOutput, theirOutput);
        return new(way.Name, seconds[1], seconds[0], MachineLimits.Of(threads, seconds[2], seconds[3]));

        BoundSession Open(AttentionWay way, OrtTensor output) =>
            way.Build(data, output).Open(options with { CustomOpLibraries = way.Library is { } library ? [library] : [] });
    }

    /// <summary>Times of what computes something else mean nothing.</summary>
    /// <exception cref="InvalidOperationException">The outputs differ.</exception>
    public static void RequireEqual(string way, OrtTensor ours, OrtTensor theirs)
    {
        double distance = ours.ToFloats().Zip(theirs.ToFloats()).Max(pair => Math.Abs((double)pair.First - pair.Second));
        if (!(distance <= Tolerance)) throw new InvalidOperationException($"{way} computes something else: outputs are {distance} apart.");
    }
}
