using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Layers;

/// <summary>Short ways through a graph: over what computes element by element or only moves elements.</summary>
static class Walk
{
    const int Farthest = 64; // No part of a layer is larger; what is has been left for another reason.

    static readonly HashSet<string> s_passing = ["Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Reciprocal", "Neg", "Abs", "Exp", "Log", "Max", "Min", "Clip",
        "Where", "Cast", "Sigmoid", "Tanh", "Erf", "Relu", "IsNaN", "Not", "Identity", "Dropout", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten",
        "Expand", "Tile", "Slice", "Split", "Concat", "Gather", "ReduceMax", "ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceL2", "Softplus", "Softmax"];

    /// <summary>True if a node computes element by element, or moves elements.</summary>
    public static bool Passes(Node node) => node.Domain.Length == 0 && s_passing.Contains(node.OpType);

    /// <summary>The nodes met backwards from some values; those for which <paramref name="through"/> does not hold end their way.</summary>
    public static IEnumerable<Node> Back(IEnumerable<Value?> from, Func<Node, bool>? through = null) =>
        Way(from.Select(v => v?.Producer), n => n.Inputs.Select(v => v?.Producer), through);

    /// <summary>The nodes met forwards from a node's results.</summary>
    public static IEnumerable<Node> Forward(Node node, Func<Node, bool>? through = null) => Way(Readers(node), Readers, through);

    /// <summary>True for a product with a weight: the raised form, or one that is still spelled out.</summary>
    public static bool IsProjection(Node node) => node.Is(Vocabulary.Linear, Vocabulary.Domain)
        || (node.OpType is "MatMul" or "Gemm" or "FusedMatMul" or "Conv" or "Einsum" && node.Inputs.Skip(1).Any(v => v is not null && IsWeight(v)))
        || node.OpType is "MatMulNBits" or "MatMulInteger" or "QLinearMatMul" or "MatMulIntegerToFloat" or "DynamicQuantizeMatMul" or "MatMulBnb4" or "MoE" or "QMoE";

    /// <summary>True for a constant, also one that is converted or moved on the way.</summary>
    public static bool IsWeight(Value value, int depth = 4) => value.Constant is not null
        || (depth > 0 && value.Producer is { } node && node.Inputs.Count > 0 && node.Inputs.All(v => v is null || IsWeight(v, depth - 1)));

    static IEnumerable<Node?> Readers(Node node) => node.Outputs.SelectMany(o => o.Uses).Select(u => u.Node);

    static IEnumerable<Node> Way(IEnumerable<Node?> from, Func<Node, IEnumerable<Node?>> next, Func<Node, bool>? through)
    {
        through ??= Passes;
        var seen = new HashSet<Node>();
        var queue = new Queue<Node>(from.OfType<Node>().Where(seen.Add));
        while (seen.Count <= Farthest && queue.TryDequeue(out var node))
        {
            yield return node;
            if (!through(node))
                continue;
            foreach (var neighbour in next(node).OfType<Node>().Where(seen.Add))
                queue.Enqueue(neighbour);
        }
    }
}
