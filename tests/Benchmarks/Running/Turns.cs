using System.Diagnostics;

namespace OnnxEff.Benchmarks.Running;

/// <summary>How long a comparison goes on: at least so many rounds, and until the time is spent.</summary>
readonly record struct Effort(int Rounds, double Seconds)
{
    const int MostRounds = 101;

    public static Effort Full => new(3, 3);

    public static Effort Smoke => new(1, 0);

    /// <summary>True when that many rounds in that many seconds are enough.</summary>
    public bool Met(int rounds, double seconds) => rounds >= Rounds && (seconds >= Seconds || rounds >= MostRounds);
}

/// <summary>Actions take turns, so that what else happens on the machine meets all of them; in an order that is drawn anew each round, so that none always follows the same one.</summary>
static class Turns
{
    const int WarmRuns = 3, MeasuredWarmRuns = 5;
    const double LongRun = 0.02; // Seconds: once is enough to fill the caches, and to be measured.

    /// <summary>Median seconds of each action; all run once before, unmeasured.</summary>
    public static double[] Medians(Effort effort, params Action[] actions) => Medians(effort, warm: false, actions);

    /// <summary>Median seconds of each action; all run once before, unmeasured.</summary>
    /// <param name="effort">How long.</param>
    /// <param name="warm">Each runs some times before each measurement, so that it finds in the caches what fits them and the others have put out, and is measured as the mean of some runs.</param>
    /// <param name="actions">What takes turns.</param>
    public static double[] Medians(Effort effort, bool warm, params Action[] actions)
    {
        bool[] areShort = [.. actions.Select(action => Seconds(action, 1) < LongRun)];
        List<double>[] seconds = [.. actions.Select(_ => new List<double>())];
        int[] order = [.. Enumerable.Range(0, actions.Length)];
        var random = new Random(1);
        for (double spent = 0; !effort.Met(seconds[0].Count, spent);)
        {
            random.Shuffle(order);
            foreach (int i in order)
            {
                (int before, int measured) = !warm ? (0, 1) : areShort[i] ? (WarmRuns, MeasuredWarmRuns) : (1, 1);
                for (int run = 0; run < before; run++) actions[i]();
                seconds[i].Add(Seconds(actions[i], measured));
                spent += seconds[i][^1] * measured;
            }
        }
        return [.. seconds.Select(Median)];
    }

    /// <summary>The middle value; of an even number the lower middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[(sorted.Length - 1) / 2];
    }

    static double Seconds(Action action, int runs)
    {
        long start = Stopwatch.GetTimestamp();
        for (int run = 0; run < runs; run++) action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / runs;
    }
}
