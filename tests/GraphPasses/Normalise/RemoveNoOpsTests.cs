using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class RemoveNoOpsTests
{
    static Sketch Start() => new Sketch().Input("x", "B", 4, 1, 8).Const("shape", 0, 4, 1, -1).Const("zeros", 0, 0).Const("ends", 4, 1 << 20)
        .Const("axes", 1, 3).Const("ones", 1, 1).Const("back", 1, -1).Const("ends_back", 4, -(1 << 20)).Const("starts_back", 0, -1);

    [Theory]
    [InlineData("Identity", "x")]
    [InlineData("Dropout", "x")]
    [InlineData("Reshape", "x shape")]
    [InlineData("Slice", "x zeros ends axes")]
    [InlineData("Slice", "x zeros ends axes ones")]
    [InlineData("Sum", "x")]
    public void Removes_what_does_nothing(string op, string inputs)
    {
        var sketch = Start().Node("t", op, inputs).Node("y", "Relu", "t").Output("y");
        sketch.RunSame(0, new RemoveNoOps());
        Assert.Equal("y = Relu(x)", sketch.Text);
    }

    [Fact]
    public void Removes_a_cast_to_the_same_type_and_a_transpose_of_axes_of_size_one()
    {
        var sketch = Start().Node("c", "Cast", "x", ("to", (long)ElementType.Float32)).Input("u", 1, 1, 5)
            .Node("t", "Transpose", "u", ("perm", (long[])[1, 0, 2])).Node("y", "Relu", "c").Node("z", "Relu", "t").Output("y", "z");
        sketch.RunSame(0, new RemoveNoOps());
        Assert.Equal("y = Relu(x); z = Relu(u)", sketch.Text);
    }

    [Theory]
    [InlineData("Slice", "x starts_back ends_back axes back")]
    [InlineData("Slice", "x ones ends axes")]
    public void Keeps_a_slice_that_is_not_all_of_it_in_order(string op, string inputs)
    {
        var sketch = Start().Node("t", op, inputs).Node("y", "Relu", "t").Output("y");
        sketch.RunSame(0, new RemoveNoOps());
        Assert.Equal($"{op} Relu", sketch.Ops);
    }

    [Fact]
    public void Keeps_a_dropout_that_may_train()
    {
        var sketch = Start().Input("training", ElementType.Bool).Const("ratio", 0.5f).Node("t", "Dropout", "x ratio training").Node("y", "Relu", "t").Output("y");
        sketch.Run(new RemoveNoOps());
        Assert.Equal("Dropout Relu", sketch.Ops);
    }

    [Fact]
    public void Keeps_a_transpose_that_moves_equal_dimensions()
    {
        var sketch = new Sketch().Input("x", 4, 4).Node("t", "Transpose", "x").Node("y", "Relu", "t").Output("y");
        sketch.RunSame(0, new RemoveNoOps());
        Assert.Equal("Transpose Relu", sketch.Ops);
    }
}
