using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>Operators that work on each element by itself.</summary>
static class Elementwise
{
    /// <summary>True for operators with one operand, or with a second that is a number.</summary>
    public static bool IsOfOneOperand(Node node) => node.Domain.Length == 0 && (node.OpType is "Neg" or "Sqrt" or "Reciprocal" or "Exp" or "Tanh" or "Sigmoid"
            or "Erf" or "Relu" or "Cos" or "Sin" or "Cast" or "Not" or "Abs"
        || (node.OpType is "Mul" or "Div" or "Add" or "Sub" or "Pow" && node.Input(1)?.Constant is { Count: 1, Rank: 0 }));

    /// <summary>True for operators of two operands that broadcast.</summary>
    public static bool IsOfTwo(Node node) => node.Domain.Length == 0 && node.OpType is "Mul" or "Div" or "Add" or "Sub";

    /// <summary>The same operator on another first operand.</summary>
    public static Value Copy(Manuscript m, Node node, params Value?[] operands)
    {
        var copy = m.Op(node.OpType, [.. operands, .. node.Inputs.Skip(operands.Length)]);
        foreach (var (name, value) in node.Attributes)
            copy.Producer!.SetAttribute(name, value);
        return copy;
    }
}
