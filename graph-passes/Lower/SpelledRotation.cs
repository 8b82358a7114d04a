using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>The rotation of an attention in standard operators: (x₁·cos − x₂·sin, x₂·cos + x₁·sin), and the rest of a head as it is.</summary>
/// <param name="attention">The attention.</param>
/// <param name="build">Where the nodes go.</param>
/// <param name="opset">What may be used.</param>
/// <param name="first">Place of the first query, int64 [1] or [B, 1, 1, 1]: a table without positions is indexed by places.</param>
sealed class SpelledRotation(LlmAttention attention, GraphBuilder build, long opset, Value first)
{
    (Value Cos, Value Sin)? _angles;

    Value Op(string op, params ReadOnlySpan<Value?> inputs) => build.Op(op, inputs, null);

    Value Ints(params ReadOnlySpan<long> values) => build.Constant(Tensor.Vector(values));

    Value Slice(Value value, long start, long end, long step = 1) => Op("Slice", value, Ints(start), Ints(end), Ints(-1), Ints(step));

    /// <summary>The heads [B, H, S, D], turned.</summary>
    public Value Of(Value heads, long count)
    {
        if (attention[AttentionInput.Cos] is null)
            return heads;
        var (cos, sin) = _angles ??= Angles();
        var half = attention[AttentionInput.Cos]!.Type!.Shape![-1].Constant!.Value;
        var (one, two) = attention.RotaryInterleaved
            ? (Slice(heads, 0, 2 * half, 2), Slice(heads, 1, 2 * half, 2)) : (Slice(heads, 0, half), Slice(heads, half, 2 * half));
        var real = Op("Sub", Op("Mul", one, cos), Op("Mul", two, sin));
        var imaginary = Op("Add", Op("Mul", two, cos), Op("Mul", one, sin));
        Value Join(Value a, Value b) => build.Op("Concat", [a, b], null, ("axis", -1L));
        var turned = !attention.RotaryInterleaved ? Join(real, imaginary)
            : Op("Reshape", Join(build.Unsqueeze(real, opset, 4), build.Unsqueeze(imaginary, opset, 4)), Ints(0, count, -1, 2 * half));
        return 2 * half == attention.HeadSize ? turned : Join(turned, Slice(heads, 2 * half, long.MaxValue));
    }

    /// <summary>Cosines and sines, [B or 1, 1, S, R/2].</summary>
    (Value Cos, Value Sin) Angles()
    {
        var (cos, sin) = (attention[AttentionInput.Cos]!, attention[AttentionInput.Sin]!);
        if (cos.Type!.Shape!.Rank == 2)
        {
            var positions = attention[AttentionInput.PositionIds] ?? Places();
            (cos, sin) = (Op("Gather", cos, positions), Op("Gather", sin, positions));
        }
        return (build.Unsqueeze(cos, opset, 1), build.Unsqueeze(sin, opset, 1));
    }

    /// <summary>The places of the queries, int64 [B or 1, S].</summary>
    Value Places() => Op("Add", Op("Reshape", first, Ints(-1, 1)), build.Range(build.Extent(attention[AttentionInput.Query]!, 1)));
}
