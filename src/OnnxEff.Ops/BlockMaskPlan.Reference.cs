namespace OnnxEff.Ops;

public static partial class BlockMaskPlan
{
    /// <summary>Computes the operator one query and key at a time: the oracle of every kernel.</summary>
    /// <exception cref="ArgumentException">The inputs contradict each other; the message is the refusal.</exception>
    public static TilePlan Reference(PlanAttributes attributes, Inputs x)
    {
        PlanGeometry g = PlanGeometry.Derive(attributes, x.Shapes, out string? refusal) ?? throw new ArgumentException(refusal, nameof(x));
        if (x.Parents is not null && g.RefuseParents(x.Parents.Data) is { } noTree) throw new ArgumentException(noTree, nameof(x));
        List<int> splits = [], tiles = [];
        List<long> bits = [];
        for (int b = 0; b < g.Batch; b++)
            for (int h = 0; h < g.Heads; h++)
            {
                for (int block = 0; block < g.QueryBlocks; block++)
                {
                    splits.Add(tiles.Count / 2);
                    AddBlock(b, h, block);
                }
                splits.Add(tiles.Count / 2);
            }
        return new(new([g.Batch, g.Heads, g.QueryBlocks + 1], [.. splits]), new([tiles.Count / 2, 2], [.. tiles]), new([bits.Count / attributes.BlockQ, attributes.BlockQ], [.. bits]));

        void AddBlock(int b, int h, int block)
        {
            int first = block * attributes.BlockQ, last = Math.Min(g.Sequence, first + attributes.BlockQ);
            List<int> partial = [];
            for (int k = 0; k < g.KeyBlocks; k++)
            {
                int keys = Math.Min(BlockK, g.Total - (k * BlockK));
                long[] words = [.. Enumerable.Range(first, last - first).Select(s => Enumerable.Range(0, keys).Sum(j => Sees(b, h, s, (k * BlockK) + j) ? 1L << j : 0))];
                if (words.All(word => word == (keys == BlockK ? -1 : (1L << keys) - 1))) tiles.AddRange(k, -1);
                else if (words.Any(word => word != 0))
                {
                    partial.AddRange(k, bits.Count / attributes.BlockQ);
                    bits.AddRange([.. words, .. new long[attributes.BlockQ - words.Length]]);
                }
            }
            tiles.AddRange(partial);
        }

        bool Sees(int b, int h, int s, int j)
        {
            int i = g.Start + s;
            return (x.Mask is null || !(x.Mask[b, h, s, j] <= Hides))
                && (x.KeyMask is null || x.KeyMask[b, j] != 0)
                && (x.DocumentIds is null || x.DocumentIds[b, i] == x.DocumentIds[b, j])
                && (x.Parents is null || j < g.Start || IsAncestor(b, j - g.Start, s))
                && (IsNear(i, j) || j < x.PrefixLengths?[b] || (x.GlobalKeys is not null && (x.GlobalKeys[b, i] != 0 || x.GlobalKeys[b, j] != 0)));
        }

        bool IsAncestor(int b, long ancestor, long s)
        {
            while (s > ancestor) s = x.Parents![b, s];
            return s == ancestor;
        }

        bool IsNear(int i, int j) => (attributes.Behind < 0 || j <= i + (long)attributes.Behind) && (attributes.Window < 0 || j > i - (long)attributes.Window)
            && (attributes.Chunk == 0 || i / attributes.Chunk == j / attributes.Chunk);
    }
}
