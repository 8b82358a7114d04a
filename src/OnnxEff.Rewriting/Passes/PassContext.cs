using OnnxEff.Ir;
using OnnxEff.Ir.Shapes;

namespace OnnxEff.Rewriting;

/// <summary>What a pass works on and with.</summary>
public sealed class PassContext
{
    readonly List<Refusal> _refusals = [];
    ShapeFacts? _shapes;

    /// <summary>A context.</summary>
    /// <param name="model">The model that passes change.</param>
    /// <param name="evaluator">Computes constants; without it passes that need it refuse.</param>
    /// <param name="trace">Records near misses, or null.</param>
    public PassContext(Model model, IGraphEvaluator? evaluator = null, RewriteTrace? trace = null) =>
        (Model, Evaluator, Trace) = (model, evaluator, trace);

    /// <summary>The model.</summary>
    public Model Model { get; }

    /// <summary>Computes constants, or null.</summary>
    public IGraphEvaluator? Evaluator { get; }

    /// <summary>Records near misses, or null.</summary>
    public RewriteTrace? Trace { get; }

    /// <summary>Types, shapes and known values of the model as it is; inferred anew after <see cref="Changed"/>.</summary>
    public ShapeFacts Shapes => _shapes ??= ShapeInference.Run(Model);

    /// <summary>Says that the model was changed in a way that makes shapes known which were not. Pipelines call it after each
    /// pass that changed something.</summary>
    public void Changed() => _shapes = null;

    /// <summary>Notes that something was found and left.</summary>
    public void Refuse(Refusal refusal) => _refusals.Add(refusal);

    /// <summary>Notes that a pass found a node and left it.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="node">The node at which it ended.</param>
    /// <param name="sentence">Why it ended there.</param>
    /// <param name="root">The node at which it had begun, if that is another one.</param>
    public void Refuse(GraphPass pass, Node node, string sentence, Node? root = null) =>
        Refuse(new Refusal(pass.Name, Match.NameOf(node), sentence) { RootName = root is null ? "" : Match.NameOf(root) });

    /// <summary>The refusals since the last call.</summary>
    public IReadOnlyList<Refusal> TakeRefusals()
    {
        Refusal[] taken = [.. _refusals];
        _refusals.Clear();
        return taken;
    }
}
