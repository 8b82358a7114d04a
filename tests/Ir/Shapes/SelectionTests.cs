using OnnxEff.Ir;
using Xunit;

namespace OnnxEff.Tests.Ir.Shapes;

public class SelectionTests
{
    readonly TestGraph g = new();

    [Fact]
    public void Gather_puts_the_shape_of_the_indices_in_place_of_the_axis() =>
        Assert.Equal("float32[B, S, 64]", g.Type(g.Op("Gather", g.Input("table", "256, 64"), g.Input("ids", ElementType.Int64, "B, S"))));

    [Fact]
    public void GatherNd_drops_the_axes_it_indexes()
    {
        var y = g.Op("GatherND", [g.Input("x", "B, S, 64"), g.Input("i", ElementType.Int64, "B, 5, 1")], ("batch_dims", 1));
        Assert.Equal("float32[B, 5, 64]", g.Type(y));
    }

    [Theory]
    [InlineData(0, 4, 1, "4")]
    [InlineData(-3, long.MaxValue, 1, "3")]
    [InlineData(1, -1, 2, "4")]
    [InlineData(-1, long.MinValue + 1, -1, "10")]
    [InlineData(20, 30, 1, "0")]
    [InlineData(7, 2, -2, "3")]
    public void Slice_clamps_its_bounds(long start, long end, long step, string expected) => Assert.Equal($"float32[{expected}]",
        g.Type(g.Op("Slice", g.Input("x", "10"), g.Ints(start), g.Ints(end), g.Ints(0), g.Ints(step))));

    [Theory]
    [InlineData(0, long.MaxValue, "S")]
    [InlineData(0, -1, "S - 1")]
    [InlineData(-1, int.MaxValue, "1")]
    [InlineData(1, long.MaxValue, "S - 1")]
    public void Slice_of_a_symbol_follows_from_its_being_at_least_one(long start, long end, string expected) => Assert.Equal($"int64[B, {expected}]",
        g.Type(g.Op("Slice", g.Input("ids", ElementType.Int64, "B, S"), g.Ints(start), g.Ints(end), g.Ints(1))));

    [Fact]
    public void Slice_up_to_a_size_of_the_same_axis_takes_all()
    {
        var x = g.Input("x", "B, P + S");
        var length = g.Op("Shape", [x], ("start", 1), ("end", 2));
        Assert.Equal("float32[B, P + S]", g.Type(g.Op("Slice", x, g.Ints(0), length, g.Ints(1))));
    }

    [Fact]
    public void Slice_takes_its_bounds_as_attributes_too() => Assert.Equal("float32[B, 3]", g.Type(g.Op("Slice", [g.Input("x", "B, 8")],
        ("starts", new long[] { 2 }), ("ends", new long[] { 5 }), ("axes", new long[] { -1 }))));

    [Fact]
    public void Slice_with_a_start_of_unknown_sign_still_evaluates()
    {
        var start = g.Op("Sub", g.Ints(256), g.Op("Shape", [g.Input("x", "P")]));
        var y = g.Op("Slice", g.Input("table", "256"), start, g.Ints(long.MaxValue));
        _ = g.Facts;

        Assert.Equal(10, y.Type!.Shape![0].Evaluate(new Dictionary<string, long> { ["P"] = 10 }));
        Assert.Equal(44, y.Type!.Shape![0].Evaluate(new Dictionary<string, long> { ["P"] = 300 }));
    }

    [Fact]
    public void Concat_adds_along_its_axis() =>
        Assert.Equal("float32[B, P + S]", g.Type(g.Op("Concat", [g.Input("past", "B, P"), g.Input("x", "B, S")], ("axis", -1))));

    [Fact]
    public void Split_into_parts_by_sizes_or_number()
    {
        var sizes = g.Node("Split", [g.Input("x", "B, 10"), g.Ints(4, 6)], 2, ("axis", 1));
        var number = g.Node("Split", [g.Input("y", "B, 7")], 2, ("axis", 1), ("num_outputs", 2));

        Assert.Equal("float32[B, 6]", g.Type(sizes.Outputs[1]));
        Assert.Equal("float32[B, 4]", g.Type(number.Outputs[0]));
        Assert.Equal("float32[B, 3]", g.Type(number.Outputs[1]));
    }

    [Fact]
    public void TopK_replaces_the_axis()
    {
        var top = g.Node("TopK", [g.Input("x", "B, 32"), g.Ints(4)], 2);
        Assert.Equal("float32[B, 4]", g.Type(top.Outputs[0]));
        Assert.Equal("int64[B, 4]", g.Type(top.Outputs[1]));
    }

    [Fact]
    public void Pad_adds_on_both_sides() =>
        Assert.Equal("float32[B, S + 3]", g.Type(g.Op("Pad", g.Input("x", "B, S"), g.Ints(0, 1, 0, 2))));

    [Fact]
    public void NonZero_of_data_gets_a_symbol_of_its_own()
    {
        var y = g.Op("NonZero", g.Input("x", "B, S"));
        Assert.Equal($"int64[2, ?{y.Name}.1]", g.Type(y));
    }
}
