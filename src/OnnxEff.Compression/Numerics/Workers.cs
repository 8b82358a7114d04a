namespace OnnxEff.Compression;

/// <summary>
/// The threads that loops of this project run on. Their number is the process's, as that of the thread pool is, and no result depends on it: what
/// threads make is put together in an order of its own.
/// </summary>
public static class Workers
{
    static ParallelOptions s_options = new();

    /// <summary>Lets loops take at most so many threads; 0 for one a processor.</summary>
    public static void Limit(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        s_options = new() { MaxDegreeOfParallelism = threads == 0 ? -1 : threads };
    }

    /// <summary>Threads that a loop takes at most.</summary>
    public static int Count => s_options.MaxDegreeOfParallelism is > 0 and var limit ? Math.Min(limit, Environment.ProcessorCount) : Environment.ProcessorCount;

    /// <summary>body(first) … body(end − 1).</summary>
    internal static void For(int first, int end, Action<int> body) => Parallel.For(first, end, s_options, body);

    /// <summary>The same with scratch that belongs to one thread at a time.</summary>
    internal static void For<T>(int end, Func<T> scratch, Action<int, T> body) => Parallel.For(0, end, s_options, scratch, (i, _, own) =>
    {
        body(i, own);
        return own;
    }, _ => { });
}
