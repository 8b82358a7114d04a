namespace OnnxEff.Ops;

/// <summary>Sizes of the inputs of a <see cref="BlockMaskPlan"/> call, of <c>extent</c> the numbers; null where the node leaves one out.</summary>
public sealed record PlanShapes(long[] Extent)
{
    /// <summary>Sizes of <c>mask</c>.</summary>
    public long[]? Mask { get; init; }

    /// <summary>Sizes of <c>key_mask</c>.</summary>
    public long[]? KeyMask { get; init; }

    /// <summary>Sizes of <c>document_ids</c>.</summary>
    public long[]? DocumentIds { get; init; }

    /// <summary>Sizes of <c>prefix_lengths</c>.</summary>
    public long[]? PrefixLengths { get; init; }

    /// <summary>Sizes of <c>parents</c>.</summary>
    public long[]? Parents { get; init; }

    /// <summary>Sizes of <c>global_keys</c>.</summary>
    public long[]? GlobalKeys { get; init; }
}

/// <summary>What the sizes of a <see cref="BlockMaskPlan"/> call mean, after every check.</summary>
/// <param name="Batch">Rows of the plan: B, or 1 where all rows are masked alike.</param>
/// <param name="Heads">Heads of the plan: those of the mask, or 1.</param>
/// <param name="Sequence">S.</param>
/// <param name="Total">T.</param>
/// <param name="QueryBlocks">Blocks of queries.</param>
public sealed record PlanGeometry(int Batch, int Heads, int Sequence, int Total, int QueryBlocks)
{
    const int MostKeys = 1 << 30; // Keeps every index of a key, and a block further, inside an int.

    /// <summary>Place of the first query among the keys.</summary>
    public int Start => Total - Sequence;

    /// <summary>Blocks of keys.</summary>
    public int KeyBlocks => (Total + BlockMaskPlan.BlockK - 1) / BlockMaskPlan.BlockK;

    /// <summary>Derives the geometry, or says in a sentence why the inputs contradict each other.</summary>
    public static PlanGeometry? Derive(PlanAttributes attributes, PlanShapes shapes, out string? refusal)
    {
        if (shapes.Extent is not [var b, var s, var t] || b is < 0 or > int.MaxValue || s < 0 || t < s || t > MostKeys)
        {
            refusal = $"extent must hold B, S and T with S <= T <= {MostKeys}; it holds [{string.Join(", ", shapes.Extent)}].";
            return null;
        }
        (string Name, long[]? Dims, long[] Expected)[] rows =
        [
            ("key_mask", shapes.KeyMask, [b, t]), ("document_ids", shapes.DocumentIds, [b, t]), ("parents", shapes.Parents, [b, s]),
            ("global_keys", shapes.GlobalKeys, [b, t]), ("prefix_lengths", shapes.PrefixLengths, [b]),
            ("mask", shapes.Mask, [b, shapes.Mask is [_, var h, _, _] ? h : 1, s, t]),
        ];
        refusal = rows.Where(row => row.Dims is not null && !Fits(row.Dims, row.Expected))
            .Select(row => $"{row.Name} is [{string.Join(", ", row.Dims!)}]; expected [{string.Join(", ", row.Expected)}].").FirstOrDefault();
        if (refusal is not null) return null;
        bool sameRows = rows.All(row => row.Dims is null || row.Dims[0] == 1);
        int batch = sameRows ? 1 : (int)b, blocks = (int)((s + attributes.BlockQ - 1) / attributes.BlockQ);
        return new(batch, shapes.Mask is { } mask ? checked((int)mask[1]) : 1, (int)s, (int)t, blocks);
    }

    // Any axis but the keys' may be 1 for all.
    static bool Fits(long[] dims, long[] expected) => dims.Length == expected.Length
        && dims.Zip(expected).Select((pair, axis) => pair.First == pair.Second || (pair.First == 1 && (axis < dims.Length - 1 || dims.Length == 1))).All(fits => fits);

    /// <summary>Why parents are no tree, or null.</summary>
    /// <param name="parents">[B or 1, S].</param>
    public string? RefuseParents(ReadOnlySpan<long> parents)
    {
        for (int i = 0; i < parents.Length; i++)
            if (parents[i] < -1 || parents[i] >= i % Sequence)
                return $"parents holds {parents[i]} for new token {i % Sequence}: a parent is -1 or an earlier token.";
        return null;
    }
}
