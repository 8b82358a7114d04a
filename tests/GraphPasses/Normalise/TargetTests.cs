using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class TargetTests
{
    static Sketch Start() => new Sketch().Input("ids", ElementType.Int64, "batch", "new").Input("past", "batch", 2, "past_len", 8).Const("zero", 0L).Const("one", 1L).Const("two", 2L)
        .Const("six", 16L).Const("eight", 8L).Node("s", "Shape", "ids").Node("b", "Gather", "s zero").Node("n", "Gather", "s one")
        .Node("ps", "Shape", "past").Node("p", "Gather", "ps two").Node("f", "Cast", "ids", ("to", 1)).Node("h", "Unsqueeze", "f two")
        .Const("wide", 1, 1, 16).Node("x", "Expand", "h wide");

    [Fact]
    public void A_computed_target_is_written_with_copies_and_one_free_axis()
    {
        var sketch = Start().Node("t", "Concat", "b n two eight", ("axis", 0)).Node("y", "Reshape", "x t").Output("y");
        sketch.RunSame(0, new ConstantTargets());
        Assert.Equal([0L, 0L, 2L, 8L], sketch.Graph.Outputs[0].Producer!.Inputs[1]!.Constant!.ToInt64()!);
    }

    [Fact]
    public void A_free_axis_stands_for_what_is_on_no_axis_of_its_own()
    {
        var sketch = Start().Node("bn", "Mul", "b n").Node("t", "Concat", "bn six", ("axis", 0)).Node("y", "Reshape", "x t").Output("y");
        sketch.RunSame(0, new ConstantTargets());
        Assert.Equal([-1L, 16L], sketch.Graph.Outputs[0].Producer!.Inputs[1]!.Constant!.ToInt64()!);
    }

    [Fact]
    public void A_free_axis_beside_a_size_that_may_be_zero_stays_computed()
    {
        var sketch = Start().Const("sixteen", 16L).Node("bt", "Mul", "b two").Node("t", "Concat", "bt one p eight", ("axis", 0)).Const("perm_shape", 0, 0, 0, 0)
            .Node("q", "Transpose", "past", ("perm", (long[])[1, 0, 2, 3])).Node("y", "Reshape", "q t").Output("y");
        sketch.RunSame(0, new ConstantTargets());
        Assert.Null(sketch.Graph.Outputs[0].Producer!.Inputs[1]!.Constant);
    }

    [Fact]
    public void An_expand_names_only_what_it_widens()
    {
        var sketch = Start().Const("three", 3L).Node("u", "Unsqueeze", "past two").Node("t", "Concat", "b two three p eight", ("axis", 0)).Node("y", "Expand", "u t").Output("y");
        sketch.RunSame(0, new ConstantTargets());
        Assert.Equal([1L, 1L, 3L, 1L, 1L], sketch.Graph.Outputs[0].Producer!.Inputs[1]!.Constant!.ToInt64()!);
    }

    [Fact]
    public void Folding_leading_axes_around_a_transpose_is_a_transpose()
    {
        var sketch = Start().Const("fold", -1, 3, 8).Input("k", "batch", 2, 3, 8).Node("a", "Reshape", "k fold").Node("c", "Transpose", "a", ("perm", (long[])[0, 2, 1]))
            .Const("unfold", -1, 2, 8, 3).Node("y", "Reshape", "c unfold").Output("y");
        sketch.RunSame(0, new PlainTranspose());
        Assert.Equal("y = Transpose(k)", sketch.Graph.Outputs[0].Producer!.ToString());
        Assert.Equal([0L, 1L, 3L, 2L], sketch.Graph.Outputs[0].Producer!.Ints("perm")!);
    }

    [Theory]
    [InlineData("Mul", "x c1")]
    [InlineData("Mul", "c1 x")]
    [InlineData("Div", "x c1")]
    [InlineData("Add", "c0 x")]
    [InlineData("Sub", "x c0")]
    [InlineData("Pow", "x c1")]
    public void A_neutral_constant_does_nothing(string op, string inputs)
    {
        var sketch = new Sketch().Input("x", 2, 3).Const("c1", 1f).Const("c0", 0f).Node("t", op, inputs).Node("y", "Relu", "t").Output("y");
        sketch.RunSame(0, new SimplifyArithmetic());
        Assert.Equal("y = Relu(x)", sketch.Text);
    }

    [Theory]
    [InlineData("Sub", "c0 x")]
    [InlineData("Mul", "x wide")]
    public void A_constant_that_changes_the_sign_or_the_shape_stays(string op, string inputs)
    {
        var sketch = new Sketch().Input("x", 3).Const("c0", 0f).Const("wide", Tensor.Create<float>([1, 1], [1])).Node("t", op, inputs).Node("y", "Relu", "t").Output("y");
        sketch.RunSame(0, new SimplifyArithmetic());
        Assert.Equal($"{op} Relu", sketch.Ops);
    }
}
