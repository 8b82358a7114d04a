using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// How tables lie in memory: for each block of groups, token and plane, k bytes for each group of the block, and one scale. A product of centroid c and group g is
/// Σ over planes of scale · (table[g][c] - 128).
/// </summary>
/// <param name="Tokens">Tokens.</param>
/// <param name="Groups">G, with those that fill the last unit.</param>
/// <param name="VectorLength">v.</param>
/// <param name="Centroids">k.</param>
/// <param name="Planes">1, or 2 where the second holds what the first one's rounding leaves.</param>
readonly record struct TableLayout(int Tokens, int Groups, int VectorLength, int Centroids, int Planes)
{
    /// <summary>Groups that share a scale. Sums of as many bytes fit 16 bits; a longer block would lose more to its largest product.</summary>
    public const int BlockGroups = 64;

    /// <summary>What a byte of a table is when the product is zero.</summary>
    public const int Zero = 128;

    public TableLayout(VqInputLayout layout, int tokens, int planes) : this(tokens, layout.StoredGroups, layout.VectorLength, layout.Centroids, planes)
    {
    }

    /// <summary>Blocks of a token.</summary>
    public int Blocks => (Groups + BlockGroups - 1) / BlockGroups;

    /// <summary>Bytes of a plane of a block.</summary>
    public int PlaneBytes => BlockGroups * Centroids;

    /// <summary>All planes.</summary>
    public long PlaneCount => (long)Blocks * Tokens * Planes;

    /// <summary>Groups of a block.</summary>
    public int GroupsOf(int block) => Math.Min(BlockGroups, Groups - block * BlockGroups);
}
