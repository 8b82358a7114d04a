using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>
/// The part of a graph that depends on positions, masks and shapes only, cut out so that it can be run on small inputs.
/// A value is hidden if it depends on what the ids or a float input (the cache) hold; the shape of a hidden value is known
/// symbolically and is fed to the cut as a constant input.
/// </summary>
public sealed class PositionalCut : IDisposable
{
    /// <summary>No sample may make a larger tensor: 2^25 floats are 128 MiB.</summary>
    const long LargestTensor = 1 << 25;

    readonly TokenInputs _tokens;
    readonly Model _model;
    readonly Dictionary<Value, Value> _fedShapes = []; // Output of a Shape node on a hidden value, to the cut's input.
    readonly IEvaluation _evaluation;
    readonly TensorType?[] _types; // Of all values that are computed.

    PositionalCut(TokenInputs tokens, Model model, IReadOnlyList<Value> targets, PositionalNodes nodes, IGraphEvaluator evaluator)
    {
        (_tokens, Targets, _model) = (tokens, targets, model);
        var copier = new GraphCopier(model.Graph);
        foreach (var input in nodes.Inputs)
            copier.Map[input] = model.Graph.AddInput(input.Name, input.Type);
        foreach (var shape in nodes.HiddenShapes)
        {
            copier.Map[shape] = model.Graph.AddInput(shape.Name, new TensorType(ElementType.Int64, new TensorShape(Dim.Symbol(shape.Name))));
            _fedShapes.Add(shape, copier.Map[shape]);
        }
        copier.CopyAll(nodes.InOrder);
        _types = [.. nodes.InOrder.SelectMany(n => n.Outputs).Where(o => o.Name.Length > 0).Select(o => o.Type)];
        model.Graph.Outputs.AddRange(targets.Select(copier.Resolve));
        WideNumbers.Apply(model);
        _evaluation = evaluator.Open(model);
    }

    /// <summary>The values that are computed, in order.</summary>
    public IReadOnlyList<Value> Targets { get; }

    /// <summary>Cuts the computation of some values out of a model.</summary>
    /// <param name="model">The model; <see cref="Value.Type"/> of its values must be set.</param>
    /// <param name="tokens">The roles of its inputs.</param>
    /// <param name="targets">Values to compute; those that depend on hidden values are left out.</param>
    /// <param name="evaluator">Runs the cut.</param>
    /// <param name="cut">The cut, if any target is left.</param>
    /// <param name="refused">Targets left out, with the sentence.</param>
    public static bool TryMake(Model model, TokenInputs tokens, IEnumerable<Value> targets, IGraphEvaluator evaluator,
        [NotNullWhen(true)] out PositionalCut? cut, out IReadOnlyDictionary<Value, string> refused)
    {
        cut = null;
        var sentences = new Dictionary<Value, string>();
        refused = sentences;
        var nodes = new PositionalNodes(tokens);
        var accepted = new List<Value>();
        foreach (var target in targets.Distinct())
        {
            if (nodes.TryAdd(target, out var because))
                accepted.Add(target);
            else
                sentences.Add(target, because);
        }
        if (accepted.Count == 0)
            return false;
        var small = model.EmptyAlike("positions");
        try
        {
            cut = new PositionalCut(tokens, small, accepted, nodes, evaluator);
            return true;
        }
        catch (InvalidOperationException e)
        {
            foreach (var target in accepted)
                sentences.Add(target, $"the runtime cannot evaluate it: {e.Message}");
            return false;
        }
    }

    /// <summary>True if computing the targets on a sample would take, or could take, too much memory.</summary>
    public bool IsCostly(PositionSample sample)
    {
        var binder = new SampleBinder(_tokens, sample);
        // What is not known may be a square of all keys.
        return Array.Exists(_types, t => (binder.ElementCount(t) ?? (long)sample.Total * sample.Total) > LargestTensor);
    }

    /// <summary>
    /// Computes the targets on a sample; null if the graph does not take such an input (a fixed batch, a table that is
    /// too short for the past).
    /// </summary>
    public IReadOnlyList<Tensor>? TryEvaluate(PositionSample sample)
    {
        var binder = new SampleBinder(_tokens, sample);
        var feeds = new Dictionary<string, Tensor>();
        foreach (var input in _model.Graph.Inputs)
        {
            var source = _fedShapes.FirstOrDefault(f => f.Value == input).Key;
            if ((source is null ? binder.TryMakeInput(input.Name) : binder.TryMakeShape(source)) is not { } tensor)
                return null;
            feeds.Add(input.Name, tensor);
        }
        try
        {
            return _evaluation.Run(feeds);
        }
        catch (InvalidOperationException)
        {
            return null; // The graph refuses this input itself, so it says nothing about the mask.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _evaluation.Dispose();
}
