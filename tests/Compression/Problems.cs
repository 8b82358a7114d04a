using OnnxEff.Compression;

namespace OnnxEff.Tests.Compression;

/// <summary>Small matrices with inputs that depend on each other, as those of a model do.</summary>
static class Problems
{
    /// <summary>Standard normal numbers.</summary>
    public static float[] Normal(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }

    /// <summary>The second moment of inputs of which each is near the one before, a few of them eight times as large.</summary>
    public static float[] Moment(int size, int seed, int tokens = 600)
    {
        var noise = Normal(size * tokens, seed);
        var moment = new double[size * size];
        var x = new double[size];
        for (var token = 0; token < tokens; token++)
        {
            for (var i = 0; i < size; i++) x[i] = (i == 0 ? 0 : 0.8 * x[i - 1]) + noise[token * size + i];
            var input = Enumerable.Range(0, size).Select(i => x[i] * (i % 13 == 5 ? 8 : 1)).ToArray();
            for (var i = 0; i < size; i++)
                for (var j = 0; j < size; j++) moment[i * size + j] += input[i] * input[j] / tokens;
        }
        return Array.ConvertAll(moment, m => (float)m);
    }

    /// <summary>A problem over normal weights.</summary>
    public static ScaledProblem Of(int rows, int columns, int length, int seed = 1)
    {
        var (scale, weights) = (new float[columns], new float[rows]);
        Array.Fill(scale, 1);
        Array.Fill(weights, 1f / rows);
        return ScaledProblem.Of(Normal(rows * columns, seed), rows, columns, length, Moment(columns, seed + 1), scale, weights, damping: 0.01);
    }

    /// <summary>tr((W' − Q)·H'·(W' − Q)ᵀ) by rows with their weights, written out.</summary>
    public static double Loss(CodedProblem coded, Codebook codebook)
    {
        var problem = coded.Problem;
        double loss = 0;
        for (var row = 0; row < problem.Rows; row++)
        {
            var error = new double[problem.Columns];
            for (var j = 0; j < error.Length; j++)
                error[j] = problem.Tile(row / RowTile.Rows)[j * RowTile.Rows + row % RowTile.Rows] - codebook.Values[coded.At(row, j / problem.Length) * problem.Length + j % problem.Length];
            for (var i = 0; i < error.Length; i++)
                for (var j = 0; j < error.Length; j++) loss += error[i] * error[j] * problem.Moment[i * problem.Columns + j] * problem.RowWeights[row];
        }
        return loss;
    }
}
