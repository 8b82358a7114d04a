namespace OnnxEff.CustomOps.Cpu;

/// <summary>One unit of work with the scratch of the worker that runs it.</summary>
unsafe delegate void WorkItem(int item, float* scratch);

/// <summary>Neighbouring units of work with the scratch of the worker that runs them.</summary>
unsafe delegate void WorkRange(int from, int to, float* scratch);

/// <summary>Deals items out to as many workers as the host has threads; an item's result never depends on the worker.</summary>
static unsafe class Workers
{
    // The host does not say how many threads it has. Workers that find no item left return at once, so a few too many cost little.
    static readonly int MostWorkers = Environment.ProcessorCount;

    /// <summary>Runs all items, which need no scratch.</summary>
    public static void Run(ParallelFor? parallel, int items, Action<int> work) => Run(parallel, items, 0, (item, _) => work(item));

    /// <summary>Runs all items. Items are started in order, so costly ones should come first.</summary>
    public static void Run(ParallelFor? parallel, int items, nuint scratchFloats, WorkItem work)
    {
        if (items <= 0) return;
        if (parallel is null || items == 1)
        {
            using var scratch = new Scratch(checked(scratchFloats * sizeof(float)));
            for (int item = 0; item < items; item++) work(item, (float*)scratch.Bytes);
            return;
        }
        int next = 0;
        parallel(Math.Min(items, MostWorkers), _ =>
        {
            int item = Interlocked.Increment(ref next) - 1;
            if (item >= items) return;
            using var scratch = new Scratch(checked(scratchFloats * sizeof(float)));
            for (; item < items; item = Interlocked.Increment(ref next) - 1) work(item, (float*)scratch.Bytes);
        });
    }

    /// <summary>
    /// Runs all of 0 to count - 1 in runs of neighbours. Each run is a share of what is left: few are handed out, memory is read in long pieces, and the last ones are so
    /// short that workers end together.
    /// </summary>
    public static void RunRanges(ParallelFor? parallel, int count, nuint scratchFloats, WorkRange work)
    {
        if (count <= 0) return;
        int workers = Math.Min(count, MostWorkers), next = 0;
        if (parallel is null || workers == 1)
        {
            using var scratch = new Scratch(checked(scratchFloats * sizeof(float)));
            work(0, count, (float*)scratch.Bytes);
            return;
        }
        parallel(workers, _ =>
        {
            if (Volatile.Read(ref next) >= count) return;
            using var scratch = new Scratch(checked(scratchFloats * sizeof(float)));
            for (int from = Take(ref next, count, workers, out int to); from < count; from = Take(ref next, count, workers, out to)) work(from, to, (float*)scratch.Bytes);
        });
    }

    /// <summary>
    /// Runs runs of 0 to firstCount - 1, and when all of them are done runs of 0 to count - 1, in one call of the host's threads: waking those up is what a short call waits for.
    /// </summary>
    public static void RunRanges(ParallelFor? parallel, int firstCount, WorkRange first, int count, nuint scratchFloats, WorkRange work)
    {
        int workers = Math.Min(Math.Max(firstCount, count), MostWorkers), firstNext = 0, firstDone = 0, next = 0;
        if (parallel is null || workers <= 1)
        {
            RunRanges(null, firstCount, 0, first);
            RunRanges(null, count, scratchFloats, work);
            return;
        }
        parallel(workers, _ =>
        {
            for (int from = Take(ref firstNext, firstCount, workers, out int to); from < firstCount; from = Take(ref firstNext, firstCount, workers, out to))
                try
                {
                    first(from, to, null);
                }
                finally
                {
                    Interlocked.Add(ref firstDone, to - from); // Even if it failed: others wait for it.
                }
            // What is not done yet is in the hands of a worker that runs.
            for (var wait = new SpinWait(); Volatile.Read(ref firstDone) < firstCount;) wait.SpinOnce(sleep1Threshold: -1);
            if (Volatile.Read(ref next) >= count) return;
            using var scratch = new Scratch(checked(scratchFloats * sizeof(float)));
            for (int from = Take(ref next, count, workers, out int to); from < count; from = Take(ref next, count, workers, out to)) work(from, to, (float*)scratch.Bytes);
        });
    }

    static int Take(ref int next, int count, int workers, out int to)
    {
        for (int from = Volatile.Read(ref next); ;)
        {
            to = Math.Min(count, from + Math.Max(1, (int)((count - from) * 3L / (4 * workers))));
            int seen = Interlocked.CompareExchange(ref next, to, from);
            if (seen == from || seen >= count) return seen;
            from = seen;
        }
    }
}
