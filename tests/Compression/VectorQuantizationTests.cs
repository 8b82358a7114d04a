using OnnxEff.Compression;
using Xunit;

namespace OnnxEff.Tests.Compression;

/// <summary>Each step of quantising vectors does what it is there for, on a matrix whose inputs depend on each other.</summary>
public class VectorQuantizationTests
{
    const int Centroids = 64;

    static Codebook Seeded(params ScaledProblem[] problems) => KMeans.Fit(VectorSample.AlongInputs(problems, new Random(1)), Centroids, new Random(2));

    [Theory]
    [InlineData(2, 40)]
    [InlineData(4, 39)] // the last vector reaches over the end
    [InlineData(2, 90)] // more than a group of blocks, and a part of one
    public void Error_propagation_is_better_than_the_nearest_centroid_and_coordinate_descent_than_it(int length, int columns)
    {
        var problem = Problems.Of(70, columns, length);
        var codebook = Seeded(problem);
        var plain = Problems.Loss(Plain(problem, codebook), codebook);
        var propagated = CodedProblem.Of(problem, new CodebookRounding(problem, codebook), sweeps: 0);
        var descended = CodedProblem.Of(problem, new CodebookRounding(problem, codebook), sweeps: 4);
        Assert.True(propagated.Loss < 0.7 * plain, $"{propagated.Loss} after propagation, {plain} before");
        Assert.True(descended.Loss < 0.99 * propagated.Loss, $"{descended.Loss} after descent, {propagated.Loss} before");
        Assert.Equal(Problems.Loss(descended, codebook), descended.Loss, 1e-3 * descended.Loss);
    }

    [Fact]
    public void No_single_code_can_be_changed_for_the_better_when_descent_has_ended()
    {
        var problem = Problems.Of(3, 16, 2);
        var codebook = Seeded(problem);
        var coded = CodedProblem.Of(problem, new CodebookRounding(problem, codebook), sweeps: 100);
        var least = Problems.Loss(coded, codebook);
        for (var row = 0; row < problem.Rows; row++)
            for (var block = 0; block < problem.Blocks; block++)
                for (var code = 0; code < Centroids; code++)
                {
                    var other = coded with { Codes = [.. coded.Codes] };
                    other.Tile(0)[block * RowTile.Rows + row] = (byte)code;
                    Assert.True(Problems.Loss(other, codebook) >= least * (1 - 1e-5));
                }
    }

    [Fact]
    public void A_refit_lowers_the_loss_of_the_same_codes_to_where_its_gradient_is_nothing()
    {
        ScaledProblem[] problems = [Problems.Of(70, 40, 2, seed: 1), Problems.Of(96, 24, 2, seed: 5)];
        var codebook = Seeded(problems);
        CodedProblem[] coded = [.. problems.Select(problem => CodedProblem.Of(problem, new CodebookRounding(problem, codebook), sweeps: 1))];
        var before = coded.Sum(c => Problems.Loss(c, codebook));
        var refitted = CodebookRefit.Of(coded, codebook, steps: 60);
        var after = coded.Sum(c => Problems.Loss(c, refitted));
        Assert.True(after < 0.97 * before, $"{after} after, {before} before");
        for (var i = 0; i < 10; i++) // Any number moved by a little makes it no better than rounding does.
        {
            var moved = new Codebook(2, [.. refitted.Values]);
            moved.Values[i * 12] += i % 2 == 0 ? 0.02f : -0.02f;
            Assert.True(coded.Sum(c => Problems.Loss(c, moved)) > after * (1 - 1e-4));
        }
    }

    [Fact]
    public void Rounds_of_refits_lower_the_loss()
    {
        ScaledProblem[] problems = [Problems.Of(128, 40, 4)];
        var losses = new List<double>();
        _ = CodebookFit.Of(problems, Centroids, new(Rounds: 5), seed: 0, (_, loss) => losses.Add(loss));
        Assert.Equal(5, losses.Count);
        Assert.True(losses[4] < 0.95 * losses[0], string.Join(' ', losses));
    }

    [Fact]
    public void The_same_seed_gives_the_same_codebook_and_another_seed_another()
    {
        ScaledProblem[] problems = [Problems.Of(96, 32, 2)];
        var first = CodebookFit.Of(problems, Centroids, new(Rounds: 2), seed: 3).Values;
        Assert.Equal(first, CodebookFit.Of(problems, Centroids, new(Rounds: 2), seed: 3).Values);
        Assert.NotEqual(first, CodebookFit.Of(problems, Centroids, new(Rounds: 2), seed: 4).Values);
    }

    [Fact]
    public void Inputs_that_are_always_zero_do_no_harm()
    {
        const int columns = 24;
        var moment = Problems.Moment(columns, 1);
        for (var i = 0; i < columns; i++) (moment[7 * columns + i], moment[i * columns + 7]) = (0, 0);
        float[] ones = [.. Enumerable.Repeat(1f, columns)], rows = [.. Enumerable.Repeat(1f, 40)];
        var problem = ScaledProblem.Of(Problems.Normal(40 * columns, 2), 40, columns, 2, moment, ones, rows, damping: 0.01);
        var codebook = Seeded(problem);
        var coded = CodedProblem.Of(problem, new CodebookRounding(problem, codebook), sweeps: 3);
        Assert.True(double.IsFinite(coded.Loss) && coded.Loss < Problems.Loss(Plain(problem, codebook), codebook));
    }

    static CodedProblem Plain(ScaledProblem problem, Codebook codebook)
    {
        var tables = CentroidTables.Plain(codebook.Values, codebook.Length);
        var coded = new CodedProblem(problem, new byte[problem.TileCount * problem.Blocks * RowTile.Rows], 0);
        var (nearest, size) = (new int[RowTile.Rows], codebook.Length * RowTile.Rows);
        for (var tile = 0; tile < problem.TileCount; tile++)
            for (var block = 0; block < problem.Blocks; block++)
            {
                tables.Nearest(0, problem.Tile(tile).Slice(block * size, size), nearest);
                for (var row = 0; row < RowTile.Rows; row++) coded.Tile(tile)[block * RowTile.Rows + row] = (byte)nearest[row];
            }
        return coded;
    }
}
