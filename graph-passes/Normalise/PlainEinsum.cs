using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// Einsum("bqhd,bkhd->bhqk", x, y) ⇒ MatMul(Transpose(x), Transpose(y)).
/// 1. One operand whose axes change places: Transpose.
/// 2. Two operands that share summed axes: they are transposed so that batch axes come first and summed axes meet, multiplied as
///    matrices, and transposed to the order asked for. Several summed axes, or several of a weight's own, are joined where
///    their sizes are known.
/// Left alone: products without a sum, diagonals, an axis of one operand that is summed for itself, ellipses, more than two operands.
/// </summary>
public sealed class PlainEinsum : GraphPass
{
    /// <inheritdoc/>
    public override string Name => "plain-einsum";

    /// <inheritdoc/>
    public override string Summary => "Einsum(\"mk,kn->mn\", a, b) ⇒ a·b";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        const long AxesAreInputs = 13; // Unsqueeze of older sets is written in another way.
        if (context.Model.Opset < AxesAreInputs)
            return PassResult.Unchanged;
        _ = context.Shapes;
        var rewritten = 0;
        foreach (var node in context.Model.Graph.SelfAndSubgraphs().SelectMany(g => g.Nodes.Where(n => n.Is("Einsum"))).ToArray())
        {
            if (Sides(node) is not { } sides || Spell(node, sides.Operands, sides.Result) is not { } value)
                continue;
            Replacement.Put(node.Result, value, isNew: true);
            node.Graph.RemoveNode(node);
            rewritten++;
        }
        if (rewritten > 0)
            context.Model.Graph.Sort();
        return new(rewritten);
    }

    /// <summary>The labels of operands and result; null if they say more than which axes meet.</summary>
    static (string[] Operands, string Result)? Sides(Node node)
    {
        var equation = node.Text("equation").Replace(" ", "", StringComparison.Ordinal);
        var arrow = equation.IndexOf("->", StringComparison.Ordinal);
        string[] operands = (arrow < 0 ? equation : equation[..arrow]).Split(',');
        // Without an arrow: the labels that occur once, in order of the alphabet.
        var result = arrow >= 0 ? equation[(arrow + 2)..]
            : string.Concat(operands.SelectMany(o => o).GroupBy(c => c).Where(g => g.Count() == 1).Select(g => g.Key).Order());
        return operands.Length == node.Inputs.Count && operands.Append(result).All(o => o.All(char.IsLetter) && o.Distinct().Count() == o.Length)
            ? (operands, result) : null;
    }

    static Value? Spell(Node node, string[] operands, string result)
    {
        var build = new GraphBuilder(node.Graph, node.Name.Length > 0 ? node.Name : node.Result.Name);
        if (operands is [var only])
            return only.Length == result.Length && only.All(result.Contains) ? new Term(build, node.Inputs[0]!, only).Ordered(result).Value : null;
        if (operands.Length != 2)
            return null;
        // A weight stands on the right, where a matrix product takes it without a batch.
        var swap = node.Inputs[0]!.Constant is not null && node.Inputs[1]!.Constant is null;
        var (a, b) = (new Term(build, node.Inputs[swap ? 1 : 0]!, operands[swap ? 1 : 0]), new Term(build, node.Inputs[swap ? 0 : 1]!, operands[swap ? 0 : 1]));
        return EinsumProduct.TryMake(a, b, result)?.Ordered(result).Value;
    }
}
