using OnnxEff.GraphPasses.Raise.Positions;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>How a mask tensor takes part in the logits.</summary>
enum MaskForm
{
    /// <summary>It is added.</summary>
    Additive,
    /// <summary>True shows a key.</summary>
    ShowsKeys,
    /// <summary>True hides a key.</summary>
    HidesKeys,
}

/// <summary>A tensor that masks logits.</summary>
readonly record struct MaskTensor(Value Value, MaskForm Form);

/// <summary>A rotation of heads by tables of angles.</summary>
/// <param name="Cos">Cosines: [B or 1, (1), S, R or R/2], or a table [M, R/2] for <paramref name="Positions"/>.</param>
/// <param name="Sin">Sines, like the cosines.</param>
/// <param name="Positions">Indices into the tables; null if they are per token.</param>
/// <param name="Interleaved">True if pairs are neighbours.</param>
/// <param name="Width">R, the number of rotated elements.</param>
sealed record Rotation(Value Cos, Value Sin, Value? Positions, bool Interleaved, long Width)
{
    /// <summary>A number by which the rotated heads are multiplied.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>True if both turn by the same angles.</summary>
    public bool TurnsAs(Rotation other) => this with { Factor = other.Factor, Cos = other.Cos, Sin = other.Sin } == other
        && (Positions is null ? AngleTable.SourceOf(Cos) == AngleTable.SourceOf(other.Cos) && AngleTable.SourceOf(Sin) == AngleTable.SourceOf(other.Sin)
            : AngleTable.AreSame(Cos, other.Cos) && AngleTable.AreSame(Sin, other.Sin));

    /// <summary>R or R/2, if it is known.</summary>
    public long? Columns => Cos.Type?.Shape?.AsEnumerable().Select(d => d.Constant).LastOrDefault(d => d is not 1);
}

/// <summary>
/// What is known about one attention while it is being recognised, from the softmax outwards. Each recogniser returns a
/// site that knows more; none changes the graph.
/// </summary>
sealed record AttentionSite
{
    /// <summary>The node that says "attention": the softmax, or a fused operator.</summary>
    public required Node Anchor { get; init; }

    /// <summary>What comes out: four-dimensional heads, or already [B, S, H·D].</summary>
    public required Heads Result { get; init; }

    public required Heads Query { get; init; }

    /// <summary>All keys, or with <see cref="PastKey"/> the new ones.</summary>
    public required Heads Key { get; init; }

    /// <summary>All values, or with <see cref="PastValue"/> the new ones.</summary>
    public required Heads Value { get; init; }

    public required double Scale { get; init; }

    public double Softcap { get; init; }

    /// <summary>Masks, all of which must show a key.</summary>
    public IReadOnlyList<MaskTensor> Masks { get; init; } = [];

    /// <summary>A logit for each head that takes part in the softmax's denominator only; H elements.</summary>
    public Value? Sinks { get; init; }

    /// <summary>True if the operator itself hides later keys.</summary>
    public bool IsCausal { get; init; }

    /// <summary>Keys up to its own that the operator itself lets a query see, that one included; null for all.</summary>
    public long? Window { get; init; }

    /// <summary>Keys behind its own that the operator itself lets a query see; null for all.</summary>
    public long? WindowRight { get; init; }

    /// <summary>What the operator itself takes beside masks: [B, T], not 0 where a key may be seen.</summary>
    public Value? KeyMask { get; init; }

    /// <summary>True if <see cref="Key"/> and <see cref="Value"/> are no new ones to append: all that there are, the queries' own or others.</summary>
    public bool KeysAreGiven { get; init; }

    /// <summary>Of given keys those of each row minus one, int32 [B]; null for all of them in every row.</summary>
    public Value? RowLengths { get; init; }

    /// <summary>A stage of the logits that the graph reads, numbered as <see cref="LlmAttention.ProductMode"/>.</summary>
    public (Value Value, long Mode)? Product { get; init; }

    public CachePair? PastKey { get; init; }

    public CachePair? PastValue { get; init; }

    public Rotation? Rotation { get; init; }

    /// <summary>The site before <see cref="Rotation"/> was taken in.</summary>
    public AttentionSite? Unrotated { get; init; }

    /// <summary>Why a rotation, or what may be one, stays in the graph; empty if there is none or it was taken in.</summary>
    public string RotaryLeft { get; init; } = "";

    /// <summary>What the masks mean together.</summary>
    public MaskMeaning? Mask { get; init; }

    public RotaryFact? RotaryFact { get; init; }

    /// <summary>Why the attention cannot be said as one node, or null.</summary>
    public string? Objection =>
        Key.Count is not > 0 || Value.Count != Key.Count || Query.Count % Key.Count != 0
            ? $"{Query.Count} query heads cannot share {Key.Count} key and {Value.Count} value heads"
        : Key.Size != Query.Size ? $"queries have heads of {Query.Size} where keys have {Key.Size}"
        : Value.Size is null ? "the size of the value heads is not known"
        : Key.Value.Type!.Element != Query.Value.Type!.Element || Value.Value.Type!.Element != Query.Value.Type.Element
            ? "queries, keys and values have different element types"
        : Query.Tokens is null || Key.Tokens is null ? "the number of tokens is not known"
        : null;
}
