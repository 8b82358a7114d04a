using OnnxEff.Ir;
using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>
/// Grouped-query attention repeats each KV head for its group of query heads: [B, Hkv, T, D] > [B, Hkv, 1, T, D] >
/// [B, Hkv, n, T, D] > [B, Hkv·n, T, D]. The operator does that itself.
/// </summary>
static class RepeatedHeads
{
    static readonly Var X = new("x"), Apart = new("apart"), Repeated = new("repeated");

    static readonly Pattern Repeat = Op("Reshape",
        (Op("Expand", Inserted(), Any) | Op("Tile", Inserted(), Any)).As(Repeated), Any);

    static Pattern Inserted() => (Op("Unsqueeze", X, Any) | Op("Unsqueeze", X) | Op("Reshape", X, Any)).As(Apart);

    /// <summary>The heads before they were repeated, or the same heads.</summary>
    public static Heads Peel(Heads heads)
    {
        if (!Repeat.TryMatch(heads.Value, out var m))
            return heads;
        if (m[X].Type?.Shape is not { Rank: 4 } x || m[Apart].Type?.Shape is not { Rank: 5 } apart
            || m[Repeated].Type?.Shape is not { Rank: 5 } repeated)
        {
            return heads;
        }
        var axis = heads.Layout == HeadLayout.HeadsFirst ? 2 : 3; // The new axis lies behind the heads, so copies are neighbours.
        for (var i = 0; i < 5; i++)
        {
            var of = i < axis ? x[i] : i == axis ? Dim.One : x[i - 1];
            if (apart[i] != of || (i != axis && repeated[i] != of))
                return heads;
        }
        return heads.Value.Type!.Shape![axis - 1] == repeated[axis - 1] * repeated[axis] ? heads with { Value = m[X] } : heads;
    }
}
