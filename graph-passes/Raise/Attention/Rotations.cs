using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>
/// Rotary embedding of heads. Spelled out: x·cos + rotate_half(x)·sin with rotate_half(x) = (−x₂, x₁), cos and sin of full
/// width; or one of the RotaryEmbedding operators.
/// </summary>
static class Rotations
{
    static readonly Var X = new("x"), Cos = new("cos"), Sin = new("sin"), Positions = new("positions");
    static readonly Const LowStart = new("start"), LowEnd = new("end"), HighStart = new("start₂"), HighEnd = new("end₂"), Axes = new("axes");

    static readonly OpPattern Halves = Op("Split", X, Any.Optional()).When(IsLastAxis, "heads are split along the head")
        .When(n => n.Outputs.Count == 2 && LastDim(n.Outputs[0]) == LastDim(n.Outputs[1]), "heads are split in two halves");

    static readonly Pattern Low = Op("Slice", X, LowStart, LowEnd, Axes, ((Pattern)1.0).Optional());
    static readonly Pattern High = Op("Slice", X, HighStart, HighEnd, Axes, ((Pattern)1.0).Optional());

    static readonly Pattern RotatedHalf = Op("Concat", Op("Neg", High), Low).When(IsLastAxis, "halves are joined along the head")
        | Op("Concat", Op("Neg", Halves.Output(1)), Halves.Output(0)).When(IsLastAxis, "halves are joined along the head");

    static readonly Pattern SpelledOut = (X * Cos) + (RotatedHalf * Sin);

    static readonly Pattern Contrib = Op("RotaryEmbedding", X, Positions, Cos, Sin).In("com.microsoft");
    static readonly Pattern PerToken = Op("RotaryEmbedding", X, Cos, Sin);
    static readonly Pattern ByTable = Op("RotaryEmbedding", X, Cos, Sin, Positions);

    /// <summary>Finds a rotation and the heads before it.</summary>
    public static bool TryPeel(Heads heads, out Heads before, [NotNullWhen(true)] out Rotation? rotation)
    {
        before = heads;
        rotation = null;
        var producer = heads.Value.Producer;
        if (producer is null || heads.Size is not { } size)
            return false;
        if (SpelledOut.TryMatch(heads.Value, out var m))
        {
            var halves = !m.Has(LowStart) || (m[LowStart].Constant!.ToScalar() == 0 && m[LowEnd].Constant!.ToScalar() == size / 2
                && m[HighStart].Constant!.ToScalar() == size / 2 && m[HighEnd].Constant!.ToScalar() >= size
                && m[Axes].Constant!.ToScalar() is 3 or -1);
            if (!halves || LastDim(m[Cos]) != size || LastDim(m[Sin]) != size)
                return false;
            rotation = new(m[Cos], m[Sin], null, Interleaved: false, size);
        }
        else if (Contrib.TryMatch(heads.Value, out m) && producer.Float("scale", 1) == 1 && producer.Int("is_packed_batching") == 0)
            rotation = FromTable(m, m[Positions], producer, size);
        else if (ByTable.TryMatch(heads.Value, out m))
            rotation = FromTable(m, m[Positions], producer, size);
        else if (PerToken.TryMatch(heads.Value, out m))
            rotation = FromTable(m, null, producer, size);
        if (rotation is null || m![X].Type?.Shape?.Rank != 4)
            return false;
        before = heads with { Value = m[X] };
        return true;
    }

    static Rotation? FromTable(Match m, Value? positions, Node node, long size)
    {
        var width = node.Int("rotary_embedding_dim") is > 0 and var partial ? partial : size;
        return LastDim(m[Cos]) == width / 2 && (positions is null || positions.Type?.Shape?.Rank == 2)
            ? new(m[Cos], m[Sin], positions, node.Int("interleaved") != 0, width) : null;
    }

    static bool IsLastAxis(Node node) => node.Int("axis") is -1 or 3;

    static long? LastDim(Value value) => value.Type?.Shape is { Rank: > 0 } shape ? shape[-1].Constant : null;
}
