using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>Which axes of cosines or sines are rows of the batch, tokens, and angles; all others have size 1.</summary>
static class AngleTable
{
    /// <summary>The axes, in ascending order; null if they are not to be told apart.</summary>
    public static (int? Batch, int Tokens, int Columns)? AxesOf(Value table, Heads heads)
    {
        if (table.Type?.Shape is not { Rank: >= 2 } shape || heads.Tokens is not { } tokens || heads.Batch is not { } batch)
            return null;
        var wide = Enumerable.Range(0, shape.Rank).Where(i => shape[i] != Dim.One).ToArray();
        return wide switch
        {
            [var s, var c] when shape[s] == tokens && shape[c].Constant > 1 => (null, s, c),
            [var b, var s, var c] when shape[b] == batch && shape[s] == tokens && shape[c].Constant > 1 => (b, s, c),
            _ => null,
        };
    }

    /// <summary>What a table is before its axes were moved and one of each pair of equal angles was taken. Axes are told apart by their
    /// sizes, so two tables with one source have the same angle for a row, a token and a pair.</summary>
    public static Value SourceOf(Value table)
    {
        while (table.Producer is { Domain: "" } node && (node.OpType is "Transpose" or "Reshape" or "Unsqueeze" or "Squeeze" or "Identity" || TakesEachPair(node)))
            table = node.Input(0)!;
        return table;
    }

    /// <summary>True for one table, and for two constants that hold the same.</summary>
    public static bool AreSame(Value a, Value b) => a == b || (a.Constant is { } x && b.Constant is { } y && TensorFacts.AreEqual(x, y));

    static bool TakesEachPair(Node node) => node.Is("Slice") && node.Input(0)?.Type?.Shape is { } whole && node.Result.Type?.Shape is { } half
        && SliceBounds.TryRead(node) is { Axes: [var axis], Starts: [0] } && whole[(int)axis].Constant is { } size && half[(int)axis].Constant * 2 == size;
}
