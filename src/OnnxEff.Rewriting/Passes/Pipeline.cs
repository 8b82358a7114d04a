using System.Diagnostics;
using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>A pass at its place in a pipeline.</summary>
/// <param name="Pass">The pass.</param>
/// <param name="Because">Why it stands at this place.</param>
public sealed record PipelineStep(GraphPass Pass, string Because);

/// <summary>An explicit, ordered list of passes.</summary>
public sealed class Pipeline
{
    /// <summary>A pipeline of these steps.</summary>
    public Pipeline(params IReadOnlyList<PipelineStep> steps) => Steps = steps;

    /// <summary>The steps in order.</summary>
    public IReadOnlyList<PipelineStep> Steps { get; }

    /// <summary>Runs all steps on a model.</summary>
    /// <exception cref="PassFailedException">A pass failed; the model may be half-way between two passes.</exception>
    public PipelineReport Run(Model model, IGraphEvaluator? evaluator = null, RewriteTrace? trace = null) =>
        Run(new PassContext(model, evaluator, trace));

    /// <summary>Runs all steps in a context.</summary>
    /// <exception cref="PassFailedException">A pass failed; the model may be half-way between two passes.</exception>
    public PipelineReport Run(PassContext context)
    {
        var reports = new List<PassReport>(Steps.Count);
        Replacement.LocaliseSubgraphOutputs(context.Model.Graph);
        context.Model.Graph.Sort();
        foreach (var (pass, _) in Steps)
        {
            var clock = Stopwatch.StartNew();
            try
            {
                var result = pass.Run(context);
                if (result is { Applied: > 0, KeepsTypes: false })
                    context.Changed();
                reports.Add(new PassReport(pass.Name, pass.Exactness, result.Applied, context.TakeRefusals(), clock.Elapsed.TotalMilliseconds));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new PassFailedException(pass.Name, [.. reports.Select(r => r.Pass)], e);
            }
        }
        return new PipelineReport(reports);
    }
}

/// <summary>What one pass did.</summary>
/// <param name="Pass">Its name.</param>
/// <param name="Exactness">What it does to the numbers.</param>
/// <param name="Applied">Number of changes.</param>
/// <param name="Refusals">What it found and left.</param>
/// <param name="Milliseconds">Time taken, in ms.</param>
public sealed record PassReport(string Pass, Exactness Exactness, int Applied, IReadOnlyList<Refusal> Refusals, double Milliseconds);

/// <summary>What a pipeline did, pass by pass.</summary>
public sealed record PipelineReport(IReadOnlyList<PassReport> Passes)
{
    /// <summary>Number of changes of all passes of a name.</summary>
    public int Applied(string pass) => Passes.Where(p => p.Pass == pass).Sum(p => p.Applied);

    /// <summary>All refusals; of a pass that stands in the list more than once only those of its last run.</summary>
    public IEnumerable<Refusal> Refusals => Passes.GroupBy(p => p.Pass).SelectMany(g => g.Last().Refusals);
}

/// <summary>A pass failed: the message names it, the passes that ran before it, and the reason.</summary>
public sealed class PassFailedException : Exception
{
    /// <summary>An error without a text.</summary>
    public PassFailedException() { }

    /// <summary>An error with its sentence.</summary>
    public PassFailedException(string message) : base(message) { }

    /// <summary>An error with its sentence and cause.</summary>
    public PassFailedException(string message, Exception inner) : base(message, inner) { }

    /// <summary>The failure of a pass.</summary>
    public PassFailedException(string pass, IReadOnlyList<string> before, Exception inner)
        : base($"Pass '{pass}' failed ({(before.Count == 0 ? "the first pass" : $"after {string.Join(", ", before)}")}): {inner.Message}", inner)
    {
    }
}
