namespace OnnxEff.CustomOps.Cpu;

/// <summary>One unit of work with the scratch of the worker that runs it.</summary>
unsafe delegate void WorkItem(int item, float* scratch);

/// <summary>Deals items out to as many workers as the host has threads; an item's result never depends on the worker.</summary>
static unsafe class Workers
{
    const int MostWorkers = 128; // Those that find no item left return at once, so more than the host's threads cost little.

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
}
