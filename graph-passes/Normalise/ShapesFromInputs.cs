using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// Shape(x)[i] ⇒ the same number from the inputs' shapes. Exporters read the batch size, or the past length, off any hidden
/// value or cached tensor at hand. After this no shape is asked of a computed value, and none of a cached tensor where the
/// mask's width less the new tokens says the same: a host may bind a larger buffer to past and present, and what computes
/// a mask does not depend on the attention that it masks. Each dimension is replaced by what symbolic shapes prove it to be.
/// 1. Gather of one dimension: that dimension. 2. Any other use: the vector of all dimensions.
/// Left alone: dimensions that are no polynomial of the inputs' dimensions.
/// </summary>
public sealed class ShapesFromInputs : GraphPass
{
    /// <inheritdoc/>
    public override string Name => "shapes-from-inputs";

    /// <inheritdoc/>
    public override string Summary => "Shape(x)[i] ⇒ B, S, T − S from the shapes of ids and mask";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        _ = context.Shapes;
        var graph = context.Model.Graph;
        var signature = DecoderSignature.Recognise(graph, out _);
        // A cached tensor is asked last: whoever reads its length ties it to the tokens in it.
        Value[] inputs = [.. graph.Inputs.Where(i => i.Initializer is null && i.Type?.Shape is not null)
            .OrderBy(i => i == signature?.TokenIds ? 0 : i == signature?.AttentionMask ? 1 : signature?.Caches.Any(c => c.Past == i) == true ? 3 : 2)];
        var dimensions = new InputDimensions(graph, inputs, signature);
        var applied = 0;
        foreach (var node in graph.Nodes.Where(n => n.Is("Shape") && IsWorthwhile(n.Input(0)!, signature)).ToArray())
        {
            if (Taken(node) is { } dims && dimensions.CanExpress(dims))
                applied += Replace(node, dims, dimensions);
        }
        if (applied > 0)
        {
            graph.RemoveDead();
            graph.Sort();
        }
        return new(applied);
    }

    static bool IsWorthwhile(Value operand, DecoderSignature? signature) =>
        operand.Constant is null && (!operand.IsInput || signature?.Caches.Any(c => c.Past == operand) == true);

    static int Replace(Node shape, Dim[] dims, InputDimensions dimensions)
    {
        var before = shape.Result.Uses.Count;
        foreach (var use in shape.Result.Uses.ToArray())
        {
            if (use.Node.Is("Gather") && use.Index == 0 && use.Node.Int("axis") == 0 && use.Node.Input(1)?.Constant is { Count: 1, Rank: <= 1 } index
                && index.ToInt64()![0] is var i && i >= -dims.Length && i < dims.Length)
            {
                Replacement.Put(use.Node.Result, dimensions.Make(dims[i < 0 ? i + dims.Length : i], isScalar: index.Rank == 0));
            }
            else
                use.Node.SetInput(use.Index, dimensions.Make(dims));
        }
        return before;
    }

    /// <summary>The dimensions that a Shape node gives, or null if they are not known.</summary>
    static Dim[]? Taken(Node node)
    {
        if (node.Input(0)?.Type?.Shape is not { } shape)
            return null;
        var start = Axis(node.Int("start"), shape.Rank);
        var end = Axis(node.Int("end", shape.Rank), shape.Rank);
        return [.. shape.Skip(start).Take(Math.Max(0, end - start))];
    }

    static int Axis(long axis, int rank) => (int)Math.Clamp(axis < 0 ? axis + rank : axis, 0, rank);
}
