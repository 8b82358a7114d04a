using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// view(view(x)) ⇒ view(x).
/// 1. What cancels, or becomes one of its kind: see <see cref="CancelViews"/>.
/// 2. Reshape(view(x), t) ⇒ Reshape(x, t), with the target that the shapes tell, or a constant t without 0 (0 copies a dimension of
///    the value between, not of x).
/// The value between may have other users: it stays for them.
/// Left alone: targets that are computed.
/// </summary>
public sealed class ComposeViews() : RulePass(
[
    .. CancelViews.All,
    Rewrite.Named("compose-reshapes").Match(Op("Reshape", CancelViews.AnyView(X).As(Inner), Target)
            .When(n => n.Input(1)?.Constant?.ToInt64()?.Contains(0) == false, "the target copies a dimension or is computed"))
        .Keeps(Inner).To(m => m.Op("Reshape", m[X], m[Target])),
    Rewrite.Named("compose-views").Match(Op("Reshape", CancelViews.AnyView(X).As(Inner), Any).As(Outer)).Keeps(Inner).When(m => TargetOf(m) is not null)
        .To(m => m.Op("Reshape", m[X], m.Constant(Tensor.Vector<long>(TargetOf(m.Match)!)))),
])
{
    static readonly Var X = new("x"), Inner = new("inner"), Outer = new("outer");
    static readonly Const Target = new("target");

    /// <inheritdoc/>
    public override string Name => "compose-views";

    /// <inheritdoc/>
    public override string Summary => "view(view(x)) ⇒ view(x)";

    static long[]? TargetOf(Match m) => m[X].Shape() is { } from && m[Outer].Shape() is { } to ? ConstantTargets.ReshapeTarget(from, to) : null;
}
