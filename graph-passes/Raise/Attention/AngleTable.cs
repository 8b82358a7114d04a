using OnnxEff.Ir;

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
}
