using System.Runtime.Intrinsics;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>A weight of vectors along the inputs as tiles of 64 outputs: [output][column].</summary>
/// <param name="layout">Sizes.</param>
/// <param name="codes">[tiles, units, bytes of a unit]</param>
/// <param name="codebook">[k, v]</param>
sealed unsafe class VqTiles<TBytes, TLookup>(VqInputLayout layout, byte* codes, float* codebook) : IWeightTiles
    where TBytes : unmanaged, IByteLanes<TBytes>
    where TLookup : ILookup<TBytes>
{
    const int Step = IWeightTiles.Columns + 16; // No power of two: rows of a tile then lie in different sets of the first cache.

    /// <inheritdoc/>
    public int Count => layout.Tiles;

    /// <inheritdoc/>
    public int Outputs => VqInputLayout.TileRows;

    /// <inheritdoc/>
    public int OutputStep => Step;

    /// <inheritdoc/>
    public int ColumnStep => 1;

    /// <inheritdoc/>
    public int Floats => VqInputLayout.TileRows * Step;

    /// <inheritdoc/>
    public (int First, int Count)[] Runs => [(0, layout.Inputs)];

    /// <inheritdoc/>
    public void Decode(int tile, int run, int from, int to, float* target)
    {
        byte* places = stackalloc byte[VqInputLayout.TileRows];
        int v = layout.VectorLength;
        byte* units = codes + (nint)tile * layout.Units * TLookup.UnitBytes;
        for (int c = from; c < to; c += v, target += v)
        {
            (int unit, int group) = (c / v / TLookup.UnitGroups, c / v % TLookup.UnitGroups);
            TLookup.Spread(units + (nint)unit * TLookup.UnitBytes, group, places);
            if (v == 2) Place((long*)codebook, places, (long*)target, Step / 2);
            else Place((Vector128<float>*)codebook, places, (Vector128<float>*)target, Step / 4);
        }
    }

    // A centroid as one number of its size, 8 or 16 bytes; the last vector's components behind K go to the tile's padding.
    static void Place<TVector>(TVector* codebook, byte* places, TVector* target, nint step) where TVector : unmanaged
    {
        TVector* other = target + VqInputLayout.TileRows / 2 * step;
        for (int place = 0; place < VqInputLayout.TileRows; place += 2, target += step, other += step)
        {
            *target = codebook[places[place] & (TLookup.Centroids - 1)];
            *other = codebook[places[place + 1] & (TLookup.Centroids - 1)];
        }
    }
}
