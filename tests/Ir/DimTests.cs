using OnnxEff.Ir;
using Xunit;

namespace OnnxEff.Tests.Ir;

public class DimTests
{
    static readonly Dim B = Dim.Symbol("B", 1), S = Dim.Symbol("S", 1), P = Dim.Symbol("P"), T = Dim.Symbol("T");

    [Fact]
    public void Sums_do_not_depend_on_the_order() => Assert.Equal(P + S, S + P);

    [Fact]
    public void Prints_a_polynomial_with_the_constant_last() => Assert.Equal("2*B*S - P + 1", ((Dim.Of(2) * S * B) + 1 - P).ToString());

    [Fact]
    public void Multiplies_polynomials() => Assert.Equal((P * P) + (Dim.Of(2) * P * S) + (S * S), (P + S) * (P + S));

    [Fact]
    public void Divides_by_a_polynomial() =>
        Assert.Equal(P + S, Dim.FloorDivide((B * P * Dim.Of(64)) + (B * S * Dim.Of(64)), B * Dim.Of(64)));

    [Fact]
    public void Divides_a_product_by_its_sum() => Assert.Equal(B + 3, Dim.FloorDivide((P + S) * (B + 3), P + S));

    [Fact]
    public void Keeps_an_inexact_division_as_an_opaque_factor_that_evaluates() =>
        Assert.Equal(3, Dim.FloorDivide(S + 1, 2).Evaluate(new Dictionary<string, long> { ["S"] = 6 }));

    [Theory]
    [InlineData(7, 2, 3)]
    [InlineData(-7, 2, -4)]
    [InlineData(7, -2, -4)]
    [InlineData(-8, -2, 4)]
    public void Floor_division_of_constants_rounds_down(long a, long b, long expected) => Assert.Equal(Dim.Of(expected), Dim.FloorDivide(a, b));

    [Fact]
    public void Ceiling_division_rounds_up() => Assert.Equal(Dim.Of(4), Dim.CeilingDivide(7, 2));

    [Fact]
    public void The_larger_of_a_size_and_zero_is_the_size() => Assert.Equal(P, Dim.Max(Dim.Zero, P));

    [Fact]
    public void The_smaller_of_a_sum_and_its_part_is_the_part() => Assert.Equal(S, Dim.Min(P + S, S));

    [Fact]
    public void A_difference_to_a_minimum_is_never_negative() => Assert.True(Dim.IsAtLeast(S, Dim.Min(S, T)));

    [Fact]
    public void A_symbol_of_at_least_one_less_one_is_never_negative() => Assert.Equal(0, (S - 1).LowerBound);

    [Fact]
    public void Broadcasting_with_one_gives_the_other() => Assert.Equal(S, Dim.Broadcast(1, S));

    [Fact]
    public void Broadcasting_with_a_number_other_than_one_gives_the_number() => Assert.Equal(Dim.Of(4), Dim.Broadcast(T, 4));

    [Fact]
    public void Broadcasting_two_symbols_is_undecided_but_evaluates()
    {
        var dim = Dim.Broadcast(P, T);

        Assert.Equal(dim, Dim.Broadcast(T, P));
        Assert.Equal(0, dim.Evaluate(new Dictionary<string, long> { ["P"] = 1, ["T"] = 0 }));
        Assert.Equal(5, dim.Evaluate(new Dictionary<string, long> { ["P"] = 5, ["T"] = 1 }));
    }

    [Fact]
    public void Substitution_simplifies_opaque_factors() =>
        Assert.Equal(S, Dim.Broadcast(P, S).Substitute(new Dictionary<string, Dim> { ["P"] = S }));

    [Theory]
    [InlineData("64")]
    [InlineData("past_sequence_length + sequence_length")]
    [InlineData("2*B*S - P + 1")]
    [InlineData("floor(P, 2) + max(P, T)")]
    [InlineData("-index(-P + 256, 256) + 256")]
    public void Reads_back_what_it_prints(string text) => Assert.Equal(text, Dim.Parse(text).ToString());

    [Theory]
    [InlineData("s0//2 + 1", "floor(s0, 2) + 1")]
    [InlineData("2*(s0 + s1)", "2*s0 + 2*s1")]
    [InlineData("Max(1, s0)", "max(1, s0)")]
    [InlineData("batch-size", "batch-size")]
    [InlineData("batch size", "batch size")]
    [InlineData("((((", "((((")]
    public void Reads_what_exporters_write(string text, string expected) => Assert.Equal(expected, Dim.Parse(text).ToString());

    [Fact]
    public void An_equation_gives_up_the_symbol_of_highest_rank()
    {
        Assert.True(Dim.TrySolve(Dim.Symbol("P1") + S, P + S, name => name == "P1" ? 1 : 0, out var factor, out var value));
        Assert.Equal(("P1", P), (factor, value));
    }

    [Fact]
    public void An_equation_is_rather_solved_without_negative_terms()
    {
        Assert.True(Dim.TrySolve(P + S, T, name => name == "P" ? 1 : 0, out var factor, out var value));
        Assert.Equal(("T", P + S), (factor, value));
    }

    [Fact]
    public void Growing_without_bound_is_refused()
    {
        var dim = P + S + T + 1;
        Assert.Throws<OverflowException>(() =>
        {
            for (var i = 0; i < 100; i++)
                dim *= dim;
        });
    }

    [Fact]
    public void Coefficients_beyond_64_bits_are_refused() => Assert.Throws<OverflowException>(() => P * long.MaxValue * 2);
}
