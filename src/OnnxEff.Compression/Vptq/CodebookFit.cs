namespace OnnxEff.Compression;

/// <summary>How hard the quantiser tries.</summary>
/// <param name="Rounds">Passes over the matrices after which the codebook is refitted.</param>
/// <param name="Sweeps">Sweeps of coordinate descent after error propagation, in each round.</param>
/// <param name="Steps">Steps of conjugate gradients of a refit.</param>
sealed record FitEffort(int Rounds = 6, int Sweeps = 2, int Steps = 8);

/// <summary>
/// One codebook for many matrices: k-means on the scaled weights, then rounds of coding all of them and refitting the codebook to the codes.
/// </summary>
static class CodebookFit
{
    /// <summary>Fits a codebook of k centroids.</summary>
    /// <param name="problems">The matrices.</param>
    /// <param name="centroids">k.</param>
    /// <param name="effort">How many rounds.</param>
    /// <param name="seed">Of k-means.</param>
    /// <param name="onRound">Told the loss after each round.</param>
    public static Codebook Of(IReadOnlyList<ScaledProblem> problems, int centroids, FitEffort effort, int seed, Action<int, double>? onRound = null)
    {
        var codebook = CodebookSeed.Of(problems, centroids, seed);
        for (var round = 0; round < effort.Rounds; round++)
        {
            double loss = 0;
            var coded = new List<CodedProblem>();
            foreach (var problem in problems)
            {
                coded.Add(Code(problem, codebook, effort.Sweeps, out var part));
                loss += part;
            }
            onRound?.Invoke(round, loss);
            codebook = CodebookRefit.Of(coded, codebook, effort.Steps);
        }
        return codebook;
    }

    /// <summary>Codes a matrix with a codebook.</summary>
    /// <param name="problem">The matrix.</param>
    /// <param name="codebook">The codebook.</param>
    /// <param name="sweeps">The most sweeps of coordinate descent.</param>
    /// <param name="loss">The weighted loss.</param>
    public static CodedProblem Code(ScaledProblem problem, Codebook codebook, int sweeps, out double loss)
    {
        var coded = new CodedProblem(problem, new byte[problem.TileCount * problem.Blocks * RowTile.Rows]);
        var propagation = CentroidTables.Of(codebook.Values, codebook.Length, problem.Metrics);
        var descent = CentroidTables.Of(codebook.Values, codebook.Length, problem.OwnMetrics);
        var losses = new double[problem.TileCount];
        Parallel.For(0, problem.TileCount, () => new TileQuantizer(problem, codebook), (tile, _, quantizer) =>
        {
            var codes = coded.Tile(tile);
            quantizer.Propagate(tile, propagation, codes);
            quantizer.Start(tile, codes);
            for (var sweep = 0; sweep < sweeps && quantizer.Sweep(descent, codes) > 0; sweep++) { }
            losses[tile] = quantizer.Loss(tile);
            return quantizer;
        }, _ => { });
        loss = losses.Sum();
        return coded;
    }
}
