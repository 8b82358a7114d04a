namespace OnnxEff.Compression;

/// <summary>Vectors drawn at random from many matrices, each weighted by its block's share of its matrix's output energy.</summary>
static class VectorSample
{
    const int Size = 1 << 15;

    /// <summary>Vectors of v columns of one row.</summary>
    public static WeightedVectors AlongInputs(IReadOnlyList<ScaledProblem> problems, Random random)
    {
        var v = problems[0].Length;
        return Draw(problems, v, problem => (long)problem.Rows * problem.Blocks, random, (sample, i, problem, at) =>
        {
            var (row, block) = ((int)(at / problem.Blocks), (int)(at % problem.Blocks));
            var tile = problem.Tile(row / RowTile.Rows);
            for (var t = 0; t < v; t++)
            {
                sample.At(i, t) = tile[(block * v + t) * RowTile.Rows + row % RowTile.Rows];
                sample.Weights[i] += problem.Moment[(block * v + t) * (problem.Columns + 1)];
            }
            sample.Weights[i] *= problem.RowWeights[row];
        });
    }

    /// <summary>Vectors of eight rows of one column.</summary>
    public static WeightedVectors AlongOutputs(IReadOnlyList<ScaledProblem> problems, Random random) =>
        Draw(problems, OutputVectors.Length, problem => (long)(problem.Rows / OutputVectors.Length) * problem.Columns, random, (sample, i, problem, at) =>
        {
            var (row, column) = ((int)(at / problem.Columns) * OutputVectors.Length, (int)(at % problem.Columns));
            problem.Tile(row / RowTile.Rows).Slice(column * RowTile.Rows + row % RowTile.Rows, OutputVectors.Length).CopyTo(sample, i);
            sample.Weights[i] = problem.Moment[column * (problem.Columns + 1)] * problem.RowWeights[row];
        });

    static void CopyTo(this ReadOnlySpan<float> vector, WeightedVectors sample, int i)
    {
        for (var t = 0; t < vector.Length; t++) sample.At(i, t) = vector[t];
    }

    static WeightedVectors Draw(IReadOnlyList<ScaledProblem> problems, int length, Func<ScaledProblem, long> count, Random random, Action<WeightedVectors, int, ScaledProblem, long> take)
    {
        var sample = WeightedVectors.Empty(Size, length);
        var total = problems.Sum(count);
        for (var i = 0; i < Size; i++)
        {
            var (at, problem) = (random.NextInt64(total), 0);
            while (at >= count(problems[problem])) at -= count(problems[problem++]);
            take(sample, i, problems[problem], at);
        }
        return sample;
    }
}
