using OnnxEff.Ops;

namespace OnnxEff.Tests.CustomOps;

/// <summary>A drawn mask: sizes and which rules it follows. The seed decides the values.</summary>
public sealed record PlanCase(int Batch, int Sequence, int Total)
{
    public PlanAttributes Attributes { get; init; } = new();

    /// <summary>Heads of a dense mask, or 0 for none.</summary>
    public int MaskHeads { get; init; }

    /// <summary>One row of the dense mask for all queries.</summary>
    public bool MaskIsRow { get; init; }

    /// <summary>Most tokens of a document, or 0 for no documents; negative for ids in no order.</summary>
    public int Documents { get; init; }

    public bool Prefix { get; init; }

    public bool Tree { get; init; }

    public bool Globals { get; init; }

    public bool Padding { get; init; }

    public int Seed { get; init; } = 3;

    public BlockMaskPlan.Inputs Draw()
    {
        var random = new Random(Seed);
        int rows = Seed % 2 == 0 ? 1 : Batch;
        Dense<long> Keys(Func<int, long> draw) => new([rows, Total], [.. Enumerable.Range(0, rows * Total).Select(i => draw(i % Total))]);
        long document = 0;
        int left = 0;
        return new(Batch, Sequence, Total)
        {
            Mask = MaskHeads == 0 ? null : Draw(random, rows),
            KeyMask = Padding ? Keys(key => key < Seed % 5 || random.Next(9) == 0 ? 0 : 1) : null,
            GlobalKeys = Globals ? Keys(_ => random.Next(40) == 0 ? 1 : 0) : null,
            DocumentIds = Documents == 0 ? null : Keys(key =>
            {
                if (Documents < 0) return random.Next(-Documents);
                if (key == 0 || left-- == 0) (document, left) = (document + 1, random.Next(Documents));
                return document;
            }),
            PrefixLengths = Prefix ? new([rows], [.. Enumerable.Range(0, rows).Select(_ => (long)random.Next(Total + 1))]) : null,
            Parents = Tree ? new([rows, Sequence], [.. Enumerable.Range(0, rows * Sequence).Select(i => (long)random.Next(i % Sequence + 1) - 1)]) : null,
        };
    }

    // Tiles in which all is seen, nothing is, and some; also numbers that do not hide.
    Dense<float> Draw(Random random, int rows)
    {
        int queries = MaskIsRow ? 1 : Sequence;
        long[] dims = [rows, MaskHeads, queries, Total];
        var data = new float[rows * MaskHeads * queries * Total];
        var tiles = new Dictionary<int, int>();
        for (int i = 0; i < data.Length; i++)
        {
            int tile = i / Total / 40 * 1000 + i % Total / BlockMaskPlan.BlockK;
            if (!tiles.TryGetValue(tile, out int kind)) tiles[tile] = kind = random.Next(4);
            data[i] = kind == 0 || (kind == 1 && random.Next(3) > 0) ? random.Next(2) == 0 ? float.NegativeInfinity : -65504f : -5f * random.Next(2);
        }
        return new(dims, data);
    }
}
