using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>Captures of an operand whose axes were moved: Transpose(x), or c·Transpose(x).</summary>
/// <param name="name">The name of x.</param>
sealed class MovedOperand(string name)
{
    readonly Var _x = new(name), _moved = new($"{name}ᵀ"), _scaled = new($"c·{name}ᵀ");
    readonly Scalar _c = new($"c of {name}");

    /// <summary>What it looks like.</summary>
    public Pattern Pattern => Moved | (Moved * _c).As(_scaled);

    Pattern Moved => Op("Transpose", _x).When(n => Facts.Permutation(n) is not null, "its permutation is not known").As(_moved);

    /// <summary>Where the axes come from.</summary>
    public long[] Perm(Match m) => Facts.Permutation(m.NodeOf(_moved))!;

    /// <summary>The operand as it is read.</summary>
    public Value Of(Match m) => m[m.Has(_scaled) ? _scaled : _moved];

    /// <summary>Everything that reads the transposed value can read it later.</summary>
    public bool IsFree(Match m)
    {
        var moved = m[_moved];
        return !moved.IsOutput && moved.Uses.All(u => CanFollow(u.Node) || m.Nodes.Contains(u.Node)) && !IsOfProduct(m[_x])
            && (!m.Has(_scaled) || (m[_scaled] is { Uses.Count: 1, IsOutput: false } scaled && scaled.Shape() is { } shape && shape.Equals(moved.Shape())));
    }

    /// <summary>The operand before its axes were moved: x or c·x.</summary>
    public Wire Before(PatchBuilder m) => m.Match.Has(_scaled) ? m.Op("Mul", m[_x], m[(Var)_c]).OfType(m[_x].Type) : m[_x];

    /// <summary>True for a product of two computed operands, transposed or with functions of each of its elements: a Transpose stays at it.</summary>
    public static bool IsOfProduct(Value value)
    {
        while (value.Producer is { Domain: "" } node && (node.OpType == "Transpose" || Elementwise.OfOne.Contains(node.OpType)
            || (node.OpType is "Mul" or "Div" && node.Input(1)?.Constant is { Count: 1 })))
            value = node.Input(0)!;
        return value.Producer is { } product && product.Is("MatMul") && !IsWeight(product.Input(1)!);
    }

    static bool IsWeight(Value value) => value.Constant is not null || (value.Producer is { Domain: "", OpType: "Transpose" or "Cast" } node && IsWeight(node.Input(0)!));

    static bool CanFollow(Node node) => Elementwise.OfOne.Contains(node.OpType) || Elementwise.OfTwo.Contains(node.OpType)
        || node.OpType is "ReduceMean" or "ReduceSum" or "ReduceMax";
}
