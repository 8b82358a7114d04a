using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>
/// The masks over keys of the attention operators of com.microsoft: a number of keys [B], an end and a start [2·B] for each row, or what
/// is not 0 for keys to see, [B, T] or [B, S, T].
/// </summary>
static class KeyPadding
{
    /// <summary>Why a mask is none of these, or null.</summary>
    public static string? Refusal(Value? mask, Dim batch) => mask is null ? null
        : mask.Type?.Shape is not { } shape ? "the shape of its mask is not known"
        : shape.Rank is 2 or 3 || (shape.Rank == 1 && (shape[0] == batch || shape[0] == batch * 2)) ? null
        : $"a mask {shape} is neither lengths of rows nor a mask over keys";

    /// <summary>The site with a mask; its cache must be in it.</summary>
    public static AttentionSite Put(AttentionSite site, Value? mask, Dim total, Value keys, long opset, GraphBuilder build)
    {
        if (mask?.Type?.Shape is not { } shape)
            return site;
        if (shape.Rank == 2)
            return site with { KeyMask = mask };
        if (shape.Rank == 3)
        {
            var added = AddedMask.Of(build.Unsqueeze(build.Cast(mask, ElementType.Bool), opset, 1), site.Query.Value.Type!.Element, total, opset, build);
            return site with { Masks = [.. site.Masks, new(added, MaskForm.Additive)] };
        }
        var batch = site.Query.Batch!;
        Value Op(string op, params ReadOnlySpan<Value?> inputs) => build.Op(op, inputs, null);
        Value Ints(params ReadOnlySpan<long> values) => build.Constant(Tensor.Vector(values));
        var places = build.Range(keys);
        var limits = Op("Reshape", build.Cast(mask, ElementType.Int64), Ints(shape[0] == batch ? 1 : 2, -1, 1));
        Value Limit(long row) => Op("Gather", limits, build.Constant(Tensor.Scalar(row)));
        var visible = Op("Less", places, Limit(0));
        if (shape[0] != batch)
            visible = Op("And", visible, Op("Not", Op("Less", places, Limit(1))));
        visible.Type = new TensorType(ElementType.Bool, new TensorShape(batch, total));
        return site with { KeyMask = visible };
    }
}
