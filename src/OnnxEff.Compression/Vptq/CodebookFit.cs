namespace OnnxEff.Compression;

/// <summary>How hard the quantiser tries.</summary>
/// <param name="Rounds">Passes over the matrices after which the codebook is refitted.</param>
/// <param name="Sweeps">Sweeps of coordinate descent after error propagation, in each round.</param>
/// <param name="Steps">Steps of conjugate gradients of a refit.</param>
/// <param name="FinalSweeps">The most sweeps when the codebook stands.</param>
public sealed record FitEffort(int Rounds = 8, int Sweeps = 2, int Steps = 8, int FinalSweeps = 6);

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
    /// <param name="onRound">Told the loss of each round before its refit.</param>
    public static Codebook Of(IReadOnlyList<ScaledProblem> problems, int centroids, FitEffort effort, int seed, Action<int, double>? onRound = null)
    {
        var random = new Random(seed);
        var codebook = KMeans.Fit(VectorSample.AlongInputs(problems, random), centroids, random);
        for (var round = 0; round < effort.Rounds; round++)
        {
            CodedProblem[] coded = [.. problems.Select(problem => CodedProblem.Of(problem, new CodebookRounding(problem, codebook), effort.Sweeps))];
            onRound?.Invoke(round, coded.Sum(c => c.Loss));
            codebook = CodebookRefit.Of(coded, codebook, effort.Steps);
        }
        return codebook;
    }
}
