using System.Runtime.CompilerServices;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Decodes some vectors of outputs: target[column][output] = centroid (+ residual).</summary>
/// <param name="columns">Whose.</param>
/// <param name="vector">The first vector.</param>
/// <param name="count">Number of vectors.</param>
/// <param name="first">The column that goes to the tile's first row.</param>
/// <param name="tile">Target.</param>
/// <param name="tileStride">Floats of a row of it; a vector's padding is overwritten by the next vector.</param>
unsafe struct DecodedTile<TLanes>(VectorColumns columns, int vector, int count, int first, float* tile, int tileStride) : IColumnWork
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Run<TCodes, TStages>(int from, int to) where TCodes : ICodeReader where TStages : IStages
    {
        CodeWidth width = columns.Width;
        int shift = columns.StrideBits, stride = columns.Stride;
        for (int v = 0; v < count; v++)
            for (int part = 0; part < stride; part += TLanes.Count)
            {
                byte* row = columns.Row(vector + v);
                float* main = columns.Main + part, residual = columns.Residual + part;
                float* target = tile + (long)(from - first) * tileStride + v * columns.VectorLength + part;
                for (nint c = from; c < to; c++, target += tileStride)
                {
                    TLanes w = TLanes.Load(main + ((nint)TCodes.Main(row, c, width) << shift));
                    if (TStages.HasResidual) w = TLanes.Add(w, TLanes.Load(residual + ((nint)TCodes.Residual(row, c, width) << shift)));
                    TLanes.Store(w, target);
                }
            }
    }
}

/// <summary>Groups of columns as tiles of as many vectors as make about 64 outputs.</summary>
/// <typeparam name="TVector">The vector width that a centroid has.</typeparam>
/// <param name="columns">Groups.</param>
sealed unsafe class VptqTiles<TVector>(VectorColumns[] columns) : IWeightTiles where TVector : unmanaged, ILanes<TVector>
{
    const int AboutOutputs = 64;

    readonly int _vectorsPerTile = Math.Max(1, AboutOutputs / columns[0].VectorLength);

    /// <inheritdoc/>
    public int Count => (columns[0].Vectors + _vectorsPerTile - 1) / _vectorsPerTile;

    /// <inheritdoc/>
    public int Outputs => _vectorsPerTile * columns[0].VectorLength;

    /// <inheritdoc/>
    public int OutputStep => 1;

    /// <inheritdoc/>
    public int ColumnStep => Outputs + 3 + PaddedCodebook.Stride(columns[0].VectorLength); // A quad and the last vector's padding lie behind the last output.

    /// <inheritdoc/>
    public int Floats => IWeightTiles.Columns * ColumnStep;

    /// <inheritdoc/>
    public (int First, int Count)[] Runs => Array.ConvertAll(columns, c => (c.First, c.Count));

    /// <inheritdoc/>
    public void Decode(int tile, int run, int from, int to, float* target)
    {
        int vector = tile * _vectorsPerTile, vectors = Math.Min(_vectorsPerTile, columns[0].Vectors - vector);
        var work = new DecodedTile<TVector>(columns[run], vector, vectors, from, target, ColumnStep);
        columns[run].Visit(ref work, from, to);
    }
}
