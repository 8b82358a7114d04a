namespace OnnxEff.CustomOps.Cpu;

/// <summary>Runs body(0) … body(count - 1), possibly on several threads, and returns when all have run.</summary>
/// <remarks>The host decides about threads; kernels own none. Exceptions of the body reach the caller.</remarks>
public delegate void ParallelFor(int count, Action<int> body);
