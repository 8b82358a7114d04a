using OnnxEff.Rewriting;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>
/// Rotary embedding of heads: one of the RotaryEmbedding operators over a table, or any nodes that turn heads by angles which depend on
/// positions only (<see cref="RotationProbe"/>).
/// </summary>
sealed class Rotations(HiddenCones cones, RotationProbe probe)
{
    static readonly Var X = new("x"), Cos = new("cos"), Sin = new("sin"), Positions = new("positions");
    static readonly Pattern Contrib = Op("RotaryEmbedding", X, Positions, Cos, Sin).In("com.microsoft");
    static readonly Pattern ByTable = Op("RotaryEmbedding", X, Cos, Sin, Positions);

    /// <summary>Finds a rotation and the heads before it.</summary>
    /// <param name="heads">Rotated heads.</param>
    /// <param name="because">Why a rotation that may be there was not understood; empty if there is none.</param>
    public (Heads Before, Rotation Rotation)? TryPeel(Heads heads, out string because)
    {
        because = "";
        if (heads.Size is not { } size || heads.Count is null)
            return null;
        if (TryPeelTable(heads, size) is { } byTable)
            return byTable;
        var found = cones.EndingIn(heads.Value).Where(c => c.Angles.Count > 0).ToArray();
        if (found.Length == 0)
            return null;
        because = "nodes that depend on positions change the heads, but not as a rotation of their first elements in halves or pairs";
        foreach (var cone in found)
        {
            if (heads.BeforeIn(cone) is not { } before)
                continue;
            if (probe.Probe(cone, before, heads) is not { } rotation)
                continue;
            because = "";
            return (before, new(cone.Angles[rotation.Cos], cone.Angles[rotation.Sin], null, rotation.Interleaved, rotation.Width) { Factor = rotation.Factor });
        }
        return null;
    }

    static (Heads, Rotation)? TryPeelTable(Heads heads, long size)
    {
        var producer = heads.Value.Producer;
        if (producer is null || !((Contrib.TryMatch(heads.Value, out var m) && producer.Float("scale", 1) == 1 && producer.Int("is_packed_batching") == 0)
            || ByTable.TryMatch(heads.Value, out m)) || m[X].Type?.Shape?.Rank != 4)
        {
            return null;
        }
        var width = producer.Int("rotary_embedding_dim") is > 0 and var partial ? partial : size;
        return m[Cos].Type?.Shape is { Rank: 2 } table && table[-1].Constant == width / 2 && m[Positions].Type?.Shape?.Rank == 2
            ? (heads with { Value = m[X] }, new(m[Cos], m[Sin], m[Positions], producer.Int("interleaved") != 0, width)) : null;
    }
}
