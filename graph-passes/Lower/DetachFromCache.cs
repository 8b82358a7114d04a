using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// Shape(past) ⇒ the same numbers from the ids and the attention mask. Exporters read the batch size or the past length off
/// some cached tensor. After this the cache's length means nothing to the graph, so that a host may bind a larger buffer
/// to past and present. Each dimension is replaced by itself only: B and S from the ids, P as the mask's width less S, both
/// proven equal by symbolic shapes. Refused: a shape with any other symbolic dimension.
/// </summary>
public sealed class DetachFromCache : GraphPass
{
    /// <inheritdoc/>
    public override string Name => "detach-from-cache";

    /// <inheritdoc/>
    public override string Summary => "Shape(past) ⇒ [B, H, T − S, D] from the ids and the mask";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        _ = context.Shapes;
        var graph = context.Model.Graph;
        if (DecoderSignature.Recognise(graph, out _) is not { } signature || signature.TokenIds.Type?.Shape is not { Rank: 2 } ids)
            return PassResult.Unchanged;
        var known = new Dictionary<Dim, Func<GraphBuilder, Value>>
        {
            [ids[1]] = b => Extent(b, signature.TokenIds, 1),
            [ids[0]] = b => Extent(b, signature.TokenIds, 0),
        };
        if (signature.AttentionMask is { Type.Shape: { Rank: 2 } mask } attentionMask)
        {
            known.TryAdd(mask[1] - ids[1], b => b.Op("Sub", [Extent(b, attentionMask, 1), Extent(b, signature.TokenIds, 1)], OneInteger));
            known.TryAdd(mask[1], b => Extent(b, attentionMask, 1));
        }
        var applied = 0;
        foreach (var node in signature.Caches.SelectMany(c => (Value[])[c.Past, c.Present]).SelectMany(v => v.Uses).Select(u => u.Node)
            .Where(n => n.Is("Shape")).Distinct().ToArray())
        {
            var dims = Taken(node);
            if (dims.FirstOrDefault(d => !d.IsConstant && !known.ContainsKey(d)) is { } open)
            {
                context.Refuse(this, node, $"the dimension {open} follows neither from the ids nor from the mask");
                continue;
            }
            var build = new GraphBuilder(graph, node.Name.Length > 0 ? node.Name : node.Result.Name);
            Value?[] parts = [.. dims.Select(d => d.Constant is { } constant ? build.Constant(Tensor.Vector(constant)) : known[d](build))];
            var vector = parts.Length == 1 ? parts[0]!
                : build.Op("Concat", parts, new TensorType(ElementType.Int64, TensorShape.Of(parts.Length)), ("axis", 0L));
            node.Result.ReplaceUsesWith(vector);
            graph.RemoveNode(node);
            applied++;
        }
        if (applied > 0)
            graph.Sort();
        return new(applied);
    }

    static TensorType OneInteger { get; } = new(ElementType.Int64, TensorShape.Of(1));

    /// <summary>The dimensions that a Shape node gives.</summary>
    static Dim[] Taken(Node node)
    {
        var shape = node.Input(0)!.Type!.Shape!;
        var start = Axis(node.Int("start"), shape.Rank);
        return [.. shape.Skip(start).Take(Axis(node.Int("end", shape.Rank), shape.Rank) - start)];
    }

    static int Axis(long axis, int rank) => (int)Math.Clamp(axis < 0 ? axis + rank : axis, 0, rank);

    static Value Extent(GraphBuilder build, Value value, long axis) => build.Op("Gather",
        [build.Op("Shape", [value], new TensorType(ElementType.Int64, TensorShape.Of(2))), build.Constant(Tensor.Vector(axis))], OneInteger);
}
