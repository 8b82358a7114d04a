namespace OnnxEff.Compression;

/// <summary>A problem with the codes chosen for it.</summary>
/// <param name="Problem">The problem.</param>
/// <param name="Codes">Of each tile [G, 32], blocks in the order of the work.</param>
/// <param name="Loss">The weighted loss.</param>
sealed record CodedProblem(ScaledProblem Problem, byte[] Codes, double Loss)
{
    /// <summary>The codes of a tile.</summary>
    public Span<byte> Tile(int tile) => TileOf(Problem, Codes, tile);

    /// <summary>The codes of a block in stored order, for a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="place">The block's place in the order of the work.</param>
    public byte At(int row, int place) => Codes[((row / RowTile.Rows * Problem.Blocks) + place) * RowTile.Rows + row % RowTile.Rows];

    /// <summary>Codes all tiles: error propagation, then sweeps of coordinate descent until none changes a code.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="rounding">The stored form.</param>
    /// <param name="sweeps">The most sweeps.</param>
    public static CodedProblem Of(ScaledProblem problem, TileRounding rounding, int sweeps)
    {
        var all = new byte[problem.TileCount * problem.Blocks * RowTile.Rows];
        var losses = new double[problem.TileCount];
        Workers.For(problem.TileCount, () => new TileQuantizer(problem, rounding), (tile, quantizer) =>
        {
            var codes = TileOf(problem, all, tile);
            quantizer.Propagate(tile, codes);
            quantizer.Start(tile, codes);
            for (var sweep = 0; sweep < sweeps && quantizer.Sweep(tile, codes); sweep++) { }
            losses[tile] = quantizer.Loss(tile);
        });
        return new(problem, all, losses.Sum());
    }

    static Span<byte> TileOf(ScaledProblem problem, byte[] codes, int tile) => codes.AsSpan(tile * problem.Blocks * RowTile.Rows, problem.Blocks * RowTile.Rows);
}
