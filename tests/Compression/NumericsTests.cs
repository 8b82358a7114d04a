using OnnxEff.Compression;
using Xunit;

namespace OnnxEff.Tests.Compression;

public class NumericsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(47)]
    [InlineData(101)]
    public void The_upper_factor_times_its_transpose_is_the_moment(int n)
    {
        var moment = Problems.Moment(n, seed: 3);
        var factor = Cholesky.Upper(moment, n)!;
        for (var i = 0; i < n; i++)
            for (var j = 0; j < n; j++)
            {
                double product = 0;
                for (var k = 0; k < n; k++) product += factor[i * n + k] * factor[j * n + k];
                Assert.Equal(moment[i * n + j], product, 1e-9 * moment.Max());
                if (j < i) Assert.Equal(0, factor[i * n + j]);
            }
    }

    [Fact]
    public void What_is_not_positive_definite_has_no_factor() => Assert.Null(Cholesky.Upper([1, 2, 2, 1], 2));

    [Fact]
    public void A_factor_solves_its_equations()
    {
        const int n = 60;
        var moment = Problems.Moment(n, seed: 5);
        var factor = Array.ConvertAll(moment, m => (double)m);
        Assert.True(Cholesky.FactorLower(factor, n));
        var x = Array.ConvertAll(Problems.Normal(n, 6), v => (double)v);
        double[] b = [.. Enumerable.Range(0, n).Select(i => Enumerable.Range(0, n).Sum(j => moment[i * n + j] * x[j]))];
        Cholesky.Solve(factor, n, b);
        for (var i = 0; i < n; i++) Assert.Equal(x[i], b[i], 1e-6);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(30)]
    public void A_tile_is_multiplied_as_rows_are(int columns)
    {
        var (rows, moment) = (Problems.Normal(RowTile.Rows * columns, 1), Problems.Moment(columns, 2));
        var product = new float[rows.Length];
        RowTile.Multiply(RowTile.Of(rows, RowTile.Rows, columns), moment, columns, product);
        for (var row = 0; row < RowTile.Rows; row++)
            for (var j = 0; j < columns; j++)
            {
                double expected = 0;
                for (var i = 0; i < columns; i++) expected += rows[row * columns + i] * (double)moment[i * columns + j];
                Assert.Equal(expected, product[j * RowTile.Rows + row], 1e-4 * moment.Max());
            }
    }

    [Theory]
    [InlineData(7, 1)]
    [InlineData(32, 32)]
    [InlineData(75, 40)] // a group and a part of one
    public void A_tile_solves_the_equations_of_its_rows(int columns, int rows)
    {
        var moment = Problems.Moment(columns, seed: 5);
        var factor = Array.ConvertAll(moment, m => (double)m);
        Assert.True(Cholesky.FactorLower(factor, columns));
        var expected = Problems.Normal(rows * columns, 6);
        var tile = RowTile.Of(expected, rows, columns).AsSpan(0, columns * RowTile.Rows).ToArray();
        var right = new float[tile.Length];
        RowTile.Multiply(tile, moment, columns, right);
        TileSolver.Of(factor, columns).Solve(right);
        for (var i = 0; i < tile.Length; i++) Assert.Equal(tile[i], right[i], 1e-3);
    }

    [Fact]
    public void Rows_of_a_matrix_become_tiles_and_rows_again()
    {
        const int rows = 70, columns = 9;
        var (matrix, back) = (Problems.Normal(rows * columns, 1), new float[rows * columns]);
        var tiles = RowTile.Of(matrix, rows, columns);
        for (var tile = 0; tile < RowTile.Count(rows); tile++) RowTile.ToRows(tiles.AsSpan(tile * columns * RowTile.Rows, columns * RowTile.Rows), back, tile, columns);
        Assert.Equal(matrix, back);
    }

    [Theory]
    [InlineData(1, 5, 19)]
    [InlineData(6, 0, 23)]
    [InlineData(32, 3, 4)]
    public void Many_changes_reach_the_columns_they_are_for_and_no_other(int count, int first, int end)
    {
        const int columns = 23;
        var (changes, matrix) = (Problems.Normal(count * RowTile.Rows, 1), Problems.Normal(columns * columns, 2));
        int[] rows = [.. Enumerable.Range(0, count).Select(t => t * 7 % columns)];
        var tile = new float[columns * RowTile.Rows];
        RowTile.AddMany(tile, changes, rows, matrix, columns, first, end);
        for (var j = 0; j < columns; j++)
            for (var row = 0; row < RowTile.Rows; row++)
            {
                var expected = j < first || j >= end ? 0 : Enumerable.Range(0, count).Sum(t => (double)changes[t * RowTile.Rows + row] * matrix[rows[t] * columns + j]);
                Assert.Equal(expected, tile[j * RowTile.Rows + row], 1e-4);
            }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(7)]
    public void A_change_reaches_the_columns_it_is_for_and_no_other(int length)
    {
        const int columns = 23, first = 5, end = 19;
        var (change, factors) = (Problems.Normal(length * RowTile.Rows, 1), Problems.Normal(length * columns, 2));
        var tile = new float[columns * RowTile.Rows];
        RowTile.Add(tile, change, factors, columns, first, end);
        for (var j = 0; j < columns; j++)
            for (var row = 0; row < RowTile.Rows; row++)
            {
                var expected = j is < first or >= end ? 0 : Enumerable.Range(0, length).Sum(t => (double)change[t * RowTile.Rows + row] * factors[t * columns + j]);
                Assert.Equal(expected, tile[j * RowTile.Rows + row], 1e-5);
            }
    }
}
