using OnnxEff.Ir;
using Xunit;

namespace OnnxEff.Tests.Ir.Shapes;

public class ShapeValueTests
{
    readonly TestGraph g = new();

    Value Dimension(Value x, long axis) => g.Op("Gather", g.Op("Shape", x), g.Int(axis));

    [Fact]
    public void A_shape_read_picked_and_joined_again_is_known()
    {
        var x = g.Input("x", "B, S, 256");
        var batch = g.Op("Unsqueeze", Dimension(x, 0), g.Ints(0));
        var length = g.Op("Unsqueeze", Dimension(x, 1), g.Ints(0));
        var shape = g.Op("Concat", [batch, length, g.Ints(4), g.Ints(64)], ("axis", 0));

        Assert.Equal("[B, S, 4, 64]", g.Elements(shape));
        Assert.Equal("float32[B, S, 4, 64]", g.Type(g.Op("Reshape", x, shape)));
    }

    [Fact]
    public void A_negative_index_picks_from_the_end() => Assert.Equal("S", g.Elements(Dimension(g.Input("x", "B, S"), -1)));

    [Fact]
    public void Start_and_end_cut_a_shape()
    {
        var x = g.Input("x", "B, S, 4, 64");
        Assert.Equal("[S, 4]", g.Elements(g.Op("Shape", [x], ("start", 1), ("end", -1))));
    }

    [Fact]
    public void The_size_is_a_product() => Assert.Equal("64*B*S", g.Elements(g.Op("Size", g.Input("x", "B, S, 64"))));

    [Fact]
    public void Placeholders_of_minus_one_are_replaced_by_where()
    {
        var x = g.Input("x", "B, S");
        var shape = g.Op("Concat", [g.Op("Unsqueeze", Dimension(x, 0), g.Ints(0)), g.Ints(-1, 7)], ("axis", 0));
        var ones = g.Op("ConstantOfShape", [g.Op("Shape", shape)], ("value", Tensor.Vector(1L)));
        var minus = g.Op("Mul", ones, g.Int(-1));

        Assert.Equal("[B, 1, 7]", g.Elements(g.Op("Where", g.Op("Equal", shape, minus), ones, shape)));
    }

    [Fact]
    public void Integer_arithmetic_on_sizes_stays_exact()
    {
        var x = g.Input("x", "B, S, 768");
        var third = g.Op("Div", Dimension(x, 2), g.Int(3));
        var sum = g.Op("Add", g.Op("Mul", third, g.Int(2)), Dimension(x, 1));

        Assert.Equal("S + 512", g.Elements(sum));
    }

    [Theory]
    [InlineData("Less", "0")]
    [InlineData("LessOrEqual", "0")]
    [InlineData("Greater", "1")]
    [InlineData("GreaterOrEqual", "1")]
    [InlineData("Equal", "0")]
    public void Comparisons_are_decided_by_what_sizes_can_be(string opType, string expected)
    {
        var x = g.Input("x", "P + S, P");
        var larger = g.Op("Add", Dimension(x, 0), g.Int(1));

        Assert.Equal(expected, g.Elements(g.Op(opType, larger, Dimension(x, 1))));
    }

    [Fact]
    public void A_comparison_that_depends_on_a_size_is_not_decided()
    {
        var x = g.Input("x", "S, P");
        Assert.Equal("?", g.Elements(g.Op("Less", Dimension(x, 0), Dimension(x, 1))));
    }

    [Fact]
    public void A_scale_computed_in_the_graph_becomes_a_number()
    {
        var x = g.Input("x", "B, H, S, 64");
        var last = g.Op("Slice", g.Op("Shape", x), g.Ints(-1), g.Ints(long.MaxValue));
        var root = g.Op("Sqrt", g.Op("Cast", [last], ("to", (long)ElementType.Float32)));
        var scale = g.Op("Sqrt", g.Op("Div", g.Number(1), root));

        Assert.Equal(MathF.Sqrt(1 / 8f), g.Facts.ValueOf(scale)![0].Number);
    }

    [Fact]
    public void Numbers_are_rounded_as_the_element_type_rounds()
    {
        var third = g.Op("Div", g.Number(1), g.Number(3));
        Assert.Equal(1f / 3f, g.Facts.ValueOf(third)![0].Number);
    }

    [Fact]
    public void A_size_survives_a_cast_to_float_and_back()
    {
        var size = g.Op("Cast", [Dimension(g.Input("x", "B, S"), 1)], ("to", (long)ElementType.Float32));
        Assert.Equal("S", g.Elements(g.Op("Cast", [g.Op("Floor", size)], ("to", (long)ElementType.Int64))));
    }

    [Fact]
    public void A_range_over_a_size_has_that_length()
    {
        var x = g.Input("x", "P, S");
        var range = g.Op("Range", Dimension(x, 0), g.Op("Add", Dimension(x, 0), Dimension(x, 1)), g.Int(1));
        Assert.Equal("int64[S]", g.Type(range));
    }

    [Fact]
    public void A_small_constant_range_has_known_elements() =>
        Assert.Equal("[0, 2, 4]", g.Elements(g.Op("Range", g.Int(0), g.Int(5), g.Int(2))));

    [Fact]
    public void Known_conditions_are_found_by_nonzero()
    {
        var found = g.Op("NonZero", g.Op("Less", g.Op("Range", g.Int(0), g.Int(4), g.Int(1)), g.Int(2)));
        Assert.Equal("int64[1, 2]", g.Type(found));
        Assert.Equal("[0, 1]", g.Elements(found));
    }
}
