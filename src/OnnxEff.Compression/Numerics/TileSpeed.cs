using System.Diagnostics;

namespace OnnxEff.Compression;

/// <summary>How fast this machine works on tiles, measured for some milliseconds: processors differ by more than anything else that an estimate knows.</summary>
public static class TileSpeed
{
    /// <summary>Multiply-adds a second of a thread, when all of them work.</summary>
    public static double Measure()
    {
        const int Columns = 512, Rounds = 4, Products = 4;
        var matrix = new float[Columns * Columns];
        var best = TimeSpan.MaxValue;
        for (var round = 0; round < Rounds; round++) // Threads have to start, and code may have to be compiled.
        {
            var clock = Stopwatch.StartNew();
            Workers.For(0, Workers.Count, _ =>
            {
                var (tile, product) = (new float[Columns * RowTile.Rows], new float[Columns * RowTile.Rows]);
                for (var i = 0; i < Products; i++) RowTile.Multiply(tile, matrix, Columns, product);
            });
            if (clock.Elapsed < best) best = clock.Elapsed;
        }
        return (double)Products * Columns * Columns * RowTile.Rows / best.TotalSeconds;
    }
}
