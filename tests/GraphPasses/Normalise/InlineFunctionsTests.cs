using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Normalise;

public class InlineFunctionsTests
{
    [Fact]
    public void Attributes_of_the_call_then_defaults_take_the_place_of_references()
    {
        var sketch = Calling(("alpha", 0.25f));
        Assert.Equal(1, sketch.RunSame(0, new InlineFunctions()).Applied("inline-functions"));
        Assert.Equal(["LeakyRelu", "Elu"], sketch.Graph.Nodes.Select(n => n.OpType));
        Assert.Equal([0.25f, 2f], sketch.Graph.Nodes.Select(n => n.Float("alpha")));
        Assert.Equal("y", sketch.Graph.Outputs[0].Name);
        Assert.Empty(sketch.Model.Functions);
    }

    [Fact]
    public void Calls_inside_of_functions_are_inlined_too()
    {
        var sketch = Calling(("alpha", 0.25f));
        var body = new Graph();
        var x = body.AddInput("x");
        var inner = body.AddNode("Bend", "lib", [x]);
        inner.SetAttribute("alpha", 0.5f);
        body.Outputs.Add(inner.AddOutput("y"));
        sketch.Model.Functions.Add(new Function("lib", "Outer", body) { Opsets = { [""] = 18, ["lib"] = 1 } });
        sketch.Node("z", "lib.Outer", "y").Output("z");
        sketch.RunSame(0, new InlineFunctions());
        Assert.Equal(["LeakyRelu", "Elu", "LeakyRelu", "Elu"], sketch.Graph.Nodes.Select(n => n.OpType));
    }

    [Fact]
    public void An_input_left_out_stays_left_out()
    {
        var sketch = new Sketch().Input("x", 2).Node("y", "lib.Limit", "x").Output("y");
        var body = new Graph();
        Value?[] inputs = [body.AddInput("x"), body.AddInput("low"), body.AddInput("high")];
        body.Outputs.Add(body.AddNode("Clip", "", inputs).AddOutput("y"));
        sketch.Model.Functions.Add(new Function("lib", "Limit", body) { Opsets = { [""] = 18 } });
        sketch.Model.Opsets["lib"] = 1;
        sketch.Run(new InlineFunctions());
        Assert.Equal("y = Clip(x)", sketch.Text);
    }

    [Fact]
    public void Refuses_a_function_of_another_operator_set()
    {
        var sketch = Calling();
        sketch.Model.Functions[0].Opsets[""] = 13;
        Assert.Equal("function 'Bend' is written for version 13 of operator set '', the model for 18", sketch.Run(new InlineFunctions()).Sentence());
        Assert.Single(sketch.Model.Functions);
    }

    [Fact]
    public void Refuses_a_function_that_calls_itself()
    {
        var sketch = Calling();
        var body = sketch.Model.Functions[0].Body;
        body.AddNode("Bend", "lib", [body.Inputs[0]]).AddOutput("again");
        Assert.Equal("function 'Bend' calls itself", sketch.Run(new InlineFunctions()).Sentence());
    }

    static Sketch Calling(params (string, AttributeValue)[] attributes)
    {
        var sketch = new Sketch().Input("x", 4).Node("y", "lib.Bend", "x", attributes).Output("y");
        var body = new Graph();
        var first = body.AddNode("LeakyRelu", "", [body.AddInput("x")]);
        first.SetAttribute("alpha", new ReferenceAttribute("alpha", 1));
        var second = body.AddNode("Elu", "", [first.AddOutput("t")]);
        second.SetAttribute("alpha", new ReferenceAttribute("beta", 1));
        body.Outputs.Add(second.AddOutput("y"));
        sketch.Model.Functions.Add(new Function("lib", "Bend", body)
        {
            Opsets = { [""] = 18, ["lib"] = 1 },
            AttributeNames = { "alpha" },
            AttributeDefaults = { ["beta"] = 2f },
        });
        sketch.Model.Opsets["lib"] = 1;
        return sketch;
    }
}
