using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// a·(b·x) ⇒ (a·b)·x.
/// 1. Products and quotients of a float with several numbers are products with one, which rounds once; with none, where those
///    numbers cancel but for their rounding.
///    A factor of what is multiplied with a constant vector, such as that of a norm, becomes part of the vector.
/// 2. (c·x)·y ⇒ c·(x·y), (c·x)/y ⇒ c·(x/y), where x has the shape of the result: a factor then stands where the next one does.
/// 3. move(c·x) ⇒ c·move(x) for Transpose, Reshape, Unsqueeze, Squeeze, Flatten: a factor of queries then stands before their product.
/// Left alone: a product that others read too, for 2 and 3; a factor that would be multiplied with more elements than before (the
/// scaled cosines of a rotation); numbers whose product leaves the range of floats.
/// </summary>
public sealed class MergeFactors() : RulePass(
    Rewrite.Named("merge-factors").Match(((Scaled * B) | (Scaled / B)).As(Y)).KeepsInner()
        .When(m => KeepsShape(m, X) && Merged(m) is not null)
        .To(m => Merged(m.Match) is var factor && factor!.ToScalar() == 1 ? m[X] : m.Op("Mul", m[X], m.Constant(factor))),
    Rewrite.Named("factor-into-vector").Match((Scaled.As(Inner) * Vector).As(Y)).KeepsInner()
        .When(m => KeepsShape(m, X) && IsAlone(m) && m[Vector].Constant is { Rank: 1, Count: > 1, Data.Length: <= FoldConstants.SmallBytes } && Factor(m) is not null)
        .To(m => m.Op("Mul", m[X], m.Op("Mul", m[Vector], m.Constant(Factor(m.Match)!)).OfType(m[Vector].Type))),
    Rewrite.Named("factor-outside").Match(((Scaled.As(Inner) * Z) | (Scaled.As(Inner) / Z)).As(Y)).KeepsInner()
        .When(m => KeepsShape(m, X) && IsAlone(m) && m[Z].Constant is null && Factor(m) is not null)
        .To(m => m.Op("Mul", m.Op(m.Match.NodeOf(Y).OpType, m[X], m[Z]).OfType(m[Y].Type), m.Constant(Factor(m.Match)!))),
    BehindMoves)
{
    static readonly Var X = new("x"), Z = new("z"), Y = new("y"), Inner = new("c·x");
    static readonly Scalar A = new("a"), B = new("b");
    static readonly Const Vector = new("vector");

    /// <summary>move(c·x) ⇒ c·move(x).</summary>
    internal static RewriteRule BehindMoves { get; } = Rewrite.Named("factor-behind-move")
        .Match((Op("Transpose", Scaled.As(Inner)) | Move("Reshape") | Move("Unsqueeze") | Move("Squeeze") | Op("Flatten", Scaled.As(Inner))).As(Y))
        .KeepsInner().When(m => IsAlone(m) && m[X].Shape() is { } shape && shape.Equals(m[Inner].Shape()) && Factor(m) is not null)
        .To(m => m.Op("Mul", Moved(m), m.Constant(Factor(m.Match)!)));

    /// <inheritdoc/>
    public override string Name => "merge-factors";

    /// <inheritdoc/>
    public override string Summary => "a·(b·x) ⇒ (a·b)·x";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    static Pattern Scaled => (X * A) | (X / A);

    static OpPattern Move(string op) => Op(op, Scaled.As(Inner)).AllowMoreInputs();

    static bool KeepsShape(Match m, Var x) => m[x].Element().IsFloat() && m[x].Constant is null
        && m[x].Shape() is { } shape && shape.Equals(m[Y].Shape());

    static bool IsAlone(Match m) => m[Inner].Element().IsFloat() && m[Inner] is { Uses.Count: 1, IsOutput: false };

    /// <summary>The one factor, or null if it is no number that stands for two.</summary>
    static Tensor? Merged(Match m)
    {
        const double Rounding = 2.5e-7; // Of two floats and of their product.
        var both = m.NodeOf(Y).Is("Mul") ? Inside(m) * m[B] : Inside(m) / m[B];
        if (Math.Abs(both - 1) < Rounding)
            both = 1;
        return Usable(both) ? Constants.Scalar(both, m[X].Element()) : null;
    }

    static Tensor? Factor(Match m) => Usable(Inside(m)) ? Constants.Scalar(Inside(m), m[X].Element()) : null;

    /// <summary>The factor of the inner product or quotient.</summary>
    static double Inside(Match m) => m.Nodes.First(n => n.Inputs.Contains(m[(Var)A]) && n.Inputs.Contains(m[X])).Is("Mul") ? m[A] : 1 / m[A];

    static bool Usable(double factor) => double.IsFinite((float)factor) && Math.Abs((float)factor) > 1e-30;

    static Wire Moved(PatchBuilder m)
    {
        var node = m.Match.NodeOf(Y);
        var moved = m.Op(node.OpType, [m[X], .. node.Inputs.Skip(1).Select(i => i is null ? null : (Wire)i)]).OfType(m[Y].Type);
        foreach (var (name, value) in node.Attributes)
            moved.With(name, value);
        return moved;
    }
}
