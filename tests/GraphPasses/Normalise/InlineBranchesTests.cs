using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class InlineBranchesTests
{
    [Theory]
    [InlineData(true, "y = Relu(x)")]
    [InlineData(false, "y = Neg(x)")]
    public void A_known_condition_picks_its_branch(bool condition, string expected)
    {
        var sketch = new Sketch().Input("x", 3).Const("c", Tensor.Scalar(condition));
        AddIf(sketch);
        sketch.RunSame(0, new InlineBranches());
        Assert.Equal(expected, sketch.Text);
    }

    [Fact]
    public void A_condition_that_shapes_tell_is_known()
    {
        var sketch = new Sketch().Input("x", 3).Const("three", 3L).Node("s", "Shape", "x").Node("c", "Equal", "s three");
        AddIf(sketch);
        sketch.RunSame(0, new InlineBranches(), new RemoveDead());
        Assert.Equal("y = Relu(x)", sketch.Text);
    }

    [Fact]
    public void A_condition_that_depends_on_an_input_stays()
    {
        var sketch = new Sketch().Input("x", 3).Input("c", ElementType.Bool);
        AddIf(sketch);
        Assert.Equal(0, sketch.Run(new InlineBranches()).Applied("inline-branches"));
        Assert.Equal("If", sketch.Ops);
    }

    static void AddIf(Sketch sketch) => sketch.Node("y", "If", "c",
        ("then_branch", Branch(sketch, "Relu")), ("else_branch", Branch(sketch, "Neg"))).Output("y");

    static GraphAttribute Branch(Sketch sketch, string op) => new(
        new Sketch(graph: new Graph(op, sketch.Graph), around: sketch).Node("inner", op, "x").Output("inner").Graph);
}
