namespace OnnxEff.Benchmarks.Limits;

/// <summary>The same work on several threads at once.</summary>
static class Gang
{
    /// <summary>Runs work(0) … work(threads - 1) and waits for all; this thread does the first.</summary>
    public static void Run(int threads, Action<int> work)
    {
        Thread[] others = [.. Enumerable.Range(1, threads - 1).Select(index => new Thread(() => work(index)))];
        foreach (Thread thread in others) thread.Start();
        work(0);
        foreach (Thread thread in others) thread.Join();
    }
}
