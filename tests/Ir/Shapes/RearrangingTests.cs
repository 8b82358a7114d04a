using OnnxEff.Ir;
using Xunit;

namespace OnnxEff.Tests.Ir.Shapes;

public class RearrangingTests
{
    readonly TestGraph g = new();

    [Fact]
    public void Reshape_copies_an_axis_for_zero_and_solves_for_minus_one() =>
        Assert.Equal("float32[B, S, 256]", g.Type(g.Op("Reshape", g.Input("x", "B, S, 4, 64"), g.Ints(0, 0, -1))));

    [Fact]
    public void Reshape_solves_for_a_sum_of_symbols() =>
        Assert.Equal("float32[64, P + S]", g.Type(g.Op("Reshape", g.Input("x", "P + S, 4, 16"), g.Ints(64, -1))));

    [Fact]
    public void Reshape_takes_zero_literally_when_told() =>
        Assert.Equal("float32[0, 4]", g.Type(g.Op("Reshape", [g.Input("x", "0, 2"), g.Ints(0, 4)], ("allowzero", 1))));

    [Fact]
    public void Reshape_to_a_shape_known_by_length_only_has_that_rank()
    {
        var y = g.Op("Reshape", g.Input("x", "B, S"), g.Input("shape", ElementType.Int64, "3"));
        Assert.StartsWith("float32[?", g.Type(y));
        Assert.Equal(3, y.Type!.Shape!.Rank);
    }

    [Fact]
    public void A_reshape_that_loses_elements_is_reported()
    {
        g.Op("Reshape", g.Input("x", "2, 3"), g.Ints(5));
        Assert.Contains("the numbers of elements differ", Assert.Single(g.Facts.Diagnostics).Sentence);
    }

    [Fact]
    public void Flatten_multiplies_the_axes() =>
        Assert.Equal("int64[B*S, 1]", g.Type(g.Op("Flatten", [g.Input("x", ElementType.Int64, "B, S")], ("axis", 2))));

    [Fact]
    public void Squeeze_and_unsqueeze_take_axes_as_attributes_too()
    {
        var x = g.Input("x", "B, 1, S");
        Assert.Equal("float32[B, S]", g.Type(g.Op("Squeeze", [x], ("axes", new long[] { 1 }))));
        Assert.Equal("float32[1, B, 1, S, 1]", g.Type(g.Op("Unsqueeze", x, g.Ints(0, -1))));
    }

    [Fact]
    public void An_axis_inserted_twice_is_reported()
    {
        g.Op("Unsqueeze", g.Input("x", "B"), g.Ints(0, -3));
        Assert.Contains("name one twice", Assert.Single(g.Facts.Diagnostics).Sentence);
    }

    [Fact]
    public void Transpose_reverses_without_an_order() =>
        Assert.Equal("float32[64, S, B]", g.Type(g.Op("Transpose", g.Input("x", "B, S, 64"))));

    [Fact]
    public void A_transposed_constant_keeps_its_elements()
    {
        var x = g.Graph.AddConstant(Tensor.Create<long>([2, 3], [1, 2, 3, 4, 5, 6]));
        Assert.Equal("[1, 4, 2, 5, 3, 6]", g.Elements(g.Op("Transpose", [x], ("perm", new long[] { 1, 0 }))));
    }

    [Fact]
    public void Repeated_heads_expand_and_reshape_to_known_dimensions()
    {
        var x = g.Op("Unsqueeze", g.Input("x", "B, 2, P + S, 16"), g.Ints(2));
        var length = g.Op("Shape", [x], ("start", 3), ("end", 4));
        var batch = g.Op("Shape", [x], ("start", 0), ("end", 1));
        var expanded = g.Op("Expand", x, g.Op("Concat", [batch, g.Ints(2, 2), length, g.Ints(16)], ("axis", 0)));
        var joined = g.Op("Reshape", expanded, g.Op("Concat", [batch, g.Ints(4), length, g.Ints(16)], ("axis", 0)));

        Assert.Equal("float32[B, 2, 2, P + S, 16]", g.Type(expanded));
        Assert.Equal("float32[B, 4, P + S, 16]", g.Type(joined));
    }

    [Fact]
    public void Tile_multiplies() => Assert.Equal("float32[3*B, 8]", g.Type(g.Op("Tile", g.Input("x", "B, 4"), g.Ints(3, 2))));
}
