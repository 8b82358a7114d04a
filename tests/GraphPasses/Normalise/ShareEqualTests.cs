using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class ShareEqualTests
{
    [Fact]
    public void Equal_nodes_are_one_in_either_operand_order()
    {
        var sketch = new Sketch().Input("x", 4).Const("a", 2f).Const("b", 2f).Node("p", "Mul", "x a").Node("q", "Mul", "b x").Node("y", "Add", "p q").Output("y");
        Assert.Equal(2, sketch.RunSame(0, new ShareEqual()).Applied("share-equal"));
        Assert.Equal("p = Mul(x, a); y = Add(p, p)", sketch.Text);
    }

    [Fact]
    public void Outputs_keep_their_names()
    {
        var sketch = new Sketch().Input("x", 4).Node("y", "Relu", "x").Node("z", "Relu", "x").Output("y", "z");
        sketch.RunSame(0, new ShareEqual());
        Assert.Equal("y = Relu(x); z = Identity(y)", sketch.Text);
    }

    [Fact]
    public void Differences_in_attributes_order_or_chance_matter()
    {
        var sketch = new Sketch().Input("x", 4).Input("w", 4).Node("a", "Elu", "x", ("alpha", 1f)).Node("b", "Elu", "x", ("alpha", 2f)).Node("c", "Sub", "x w").Node("d", "Sub", "w x")
            .Node("e", "RandomNormalLike", "x").Node("f", "RandomNormalLike", "x").Output("a", "b", "c", "d", "e", "f");
        Assert.Equal(0, sketch.Run(new ShareEqual()).Applied("share-equal"));
    }

    [Fact]
    public void Constants_that_differ_in_type_only_stay_two()
    {
        var sketch = new Sketch().Const("a", Tensor.Vector(0)).Const("b", Tensor.Vector(0f)).Node("y", "Foo", "a b").Output("y");
        Assert.Equal(0, sketch.Run(new ShareEqual()).Applied("share-equal"));
    }
}
