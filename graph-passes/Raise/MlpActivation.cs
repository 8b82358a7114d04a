using OnnxEff.GraphPasses.Normalise;
using OnnxEff.GraphPasses.Raise.Activations;
using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Raise;

/// <summary>
/// Whatever computes silu(x) ⇒ llm.Activation(x); act(gate)·up ⇒ llm.GatedActivation(gate, up).
/// 1. Functions of one real, in any spelling, are compared with silu (also with a slope, such as that of quick Gelu), both forms of
///    Gelu, ReLU and its square. A half of Gelu that stands elsewhere leaves a factor of 2, which then meets it.
/// 2. BiasGelu, FastGelu with a bias: the bias becomes an Add. SwiGlu is a gate.
/// 3. A product with an activation's result is a gate. The activation may have no other user.
/// Left alone: functions that the vocabulary does not have, which run as they are; what clips a gate stays before it.
/// </summary>
public sealed class MlpActivation : GraphPass
{
    const string Contrib = "com.microsoft";

    static readonly Var X = new("x"), Up = new("up"), Bias = new("bias");
    static readonly AttrVar<string> Function = new("function", "");
    static readonly AttrVar<float> Alpha = new("alpha", 1f);

    static readonly RuleSet Fused = new(
        Rewrite.Named("raise-swiglu").Match(Op(SwiGlu.Schema.Name, X, Up).In(OnnxEffOperators.Domain).With("alpha", Alpha))
            .To(m => m.Op(Vocabulary.Domain, Vocabulary.GatedActivation, [m[X], m[Up]]).With("function", Vocabulary.Silu).With("alpha", m.Get(Alpha))),
        Rewrite.Named("raise-packed-swiglu").Match(Op(SwiGlu.Schema.Name, X).In(OnnxEffOperators.Domain).With("alpha", Alpha))
            .When(m => m[X].Shape() is [.., { Constant: not null }], "the length of a packed gate must be known")
            .To(m => m.Op(Vocabulary.Domain, Vocabulary.GatedActivation, [Half(m, 0), Half(m, 1)]).With("function", Vocabulary.Silu).With("alpha", m.Get(Alpha))),
        Rewrite.Named("raise-bias-gelu").Match(Op("BiasGelu", X, Bias).In(Contrib)).To(m => m.Op(Contrib, "Gelu", [Biased(m)])),
        Rewrite.Named("raise-bias-fast-gelu").Match(Op("FastGelu", X, Bias).In(Contrib)).To(m => m.Op(Contrib, "FastGelu", [Biased(m)])));

    static readonly RuleSet Gates = new([.. new MergeFactors().Rules, .. new SimplifyArithmetic().Rules,
        Rewrite.Named("raise-gate").Match(Op(Vocabulary.Activation, X).In(Vocabulary.Domain).With("function", Function).With("alpha", Alpha) * Up)
            .When(m => m[X].Shape() is { } shape && shape.Equals(m[Up].Shape()), "both operands must have the same shape")
            .To(m => m.Op(Vocabulary.Domain, Vocabulary.GatedActivation, [m[X], m[Up]]).With("function", m.Get(Function)).With("alpha", m.Get(Alpha)))]);

    /// <inheritdoc/>
    public override string Name => "raise-activation";

    /// <inheritdoc/>
    public override string Summary => "act(gate)·up ⇒ llm.GatedActivation(gate, up)";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        _ = context.Shapes;
        var graph = context.Model.Graph;
        var applied = Fused.Apply(graph, context.Trace).Applied;
        if (context.Evaluator is { } evaluator)
            applied += RaiseAll(graph, new ActivationProbe(context.Model, evaluator));
        else
            context.Refuse(new Refusal(Name, graph.Name, "activations are recognised by evaluation, which needs a runtime"));
        if (applied == 0)
            return PassResult.Unchanged;
        var gates = Gates.Apply(graph, context.Trace);
        foreach (var refusal in gates.Refusals)
            context.Refuse(refusal);
        return new(applied + gates.Applied);
    }

    /// <summary>From the outputs inwards, so that the half of a Gelu is taken in where it stands in reach.</summary>
    static int RaiseAll(Graph graph, ActivationProbe probe)
    {
        graph.Sort();
        var cones = new ElementwiseCones(graph);
        var raised = 0;
        foreach (var node in graph.Nodes.Reverse().ToArray())
        {
            if (!node.IsAlive || node.Outputs.Count != 1)
                continue;
            foreach (var cone in cones.EndingIn(node.Result))
            {
                if (probe.Probe(cone) is not { } activation)
                    continue;
                Replace(cone, activation);
                raised++;
                break;
            }
        }
        if (raised > 0)
            graph.Sort();
        return raised;
    }

    static void Replace(ElementwiseCone cone, ProbedActivation activation)
    {
        var (node, type) = (cone.To.Producer!, cone.To.Type!);
        var build = new GraphBuilder(node.Graph, node.Name.Length > 0 ? node.Name : cone.To.Name);
        var result = build.Output(build.Node(Vocabulary.Activation, Vocabulary.Domain, [cone.From], [("function", activation.Function), ("alpha", activation.Alpha)]),
            "activation", type with { Element = cone.From.Element() });
        if (activation.Factor != 1)
            result = build.Op("Mul", [result, build.Constant(Constants.Scalar(activation.Factor, cone.From.Element()))], result.Type);
        if (cone.From.Element() != type.Element)
            result = build.Op("Cast", [result], type, ("to", (long)type.Element));
        Replacement.Put(cone.To, result, isNew: true);
        Replacement.RemoveIfUnused(node);
    }

    /// <summary>A packed gate's gate (0) or up (1).</summary>
    static Wire Half(PatchBuilder m, long index)
    {
        var shape = m[X].Shape()!;
        var width = shape[^1].Constant!.Value / 2;
        Wire Of(long number) => m.Constant(Tensor.Vector(number));
        return m.Op("Slice", m[X], Of(index * width), Of((index + 1) * width), Of(shape.Rank - 1)).OfType(new(m[X].Element(), new TensorShape([.. shape.SkipLast(1), width])));
    }

    static Wire Biased(PatchBuilder m) => m.Op("Add", m[X], m[Bias]).OfType(m[X].Type);
}
