using OnnxEff.Ir;
using OnnxEff.Runtime;
using Xunit;

namespace OnnxEff.Tests.Runtime;

public class OrtEvaluatorTests
{
    public OrtEvaluatorTests() => Native.Require();

    // y = x + c, twice = y + y
    static Model Sum(string opType = "Add")
    {
        var graph = new Graph("sum");
        var x = graph.AddInput("x", new(ElementType.Float32, new(Dim.Symbol("N"))));
        var c = graph.AddInitializer("c", Tensor.Vector(1f));
        var y = graph.AddNode(opType, "", [x, c]).AddOutput("y", new(ElementType.Float32, new(Dim.Symbol("N"))));
        var twice = graph.AddNode("Add", "", [y, y]).AddOutput("twice", new(ElementType.Float32, new(Dim.Symbol("N"))));
        graph.Outputs.AddRange([y, twice]);
        var model = new Model(graph);
        model.Opsets[""] = 18;
        return model;
    }

    [Fact]
    public void One_session_serves_inputs_of_several_shapes()
    {
        using var evaluation = new OrtEvaluator().Open(Sum());
        var small = evaluation.Run(new Dictionary<string, Tensor> { ["x"] = Tensor.Vector(1f) });
        var large = evaluation.Run(new Dictionary<string, Tensor> { ["x"] = Tensor.Vector(1f, 2f, 3f) });
        Assert.Equal([2f], small[0].As<float>().ToArray());
        Assert.Equal([4f, 6f, 8f], large[1].As<float>().ToArray());
    }

    [Fact]
    public void A_model_that_cannot_run_is_refused_with_the_runtimes_reason()
    {
        var error = Assert.Throws<InvalidOperationException>(() => new OrtEvaluator().Open(Sum("NoSuchOperator")));
        Assert.Contains("NoSuchOperator", error.Message);
    }

    [Fact]
    public void A_missing_input_is_named()
    {
        using var evaluation = new OrtEvaluator().Open(Sum());
        var error = Assert.Throws<InvalidOperationException>(() => evaluation.Run(new Dictionary<string, Tensor>()));
        Assert.Contains("'x'", error.Message);
    }
}
