using System.Runtime.InteropServices;
using OnnxEff.GraphPasses.Lower;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.CustomOps;

/// <summary>A model of one node that multiplies with a constant weight.</summary>
static class LinearNode
{
    /// <summary>Runs an operator of the published library in a session.</summary>
    public static Dense<float> Run(Dense<float> input, ElementType kind, OperatorSchema schema, (string Name, Tensor? Tensor)[] weight, params (string Name, long Value)[] attributes) =>
        Run(input, kind, ModelOf(kind, schema, weight, attributes), withLibrary: true);

    /// <summary>The same with the operator's function in the file.</summary>
    public static Dense<float> RunWithFunction(
        bool withLibrary, Dense<float> input, ElementType kind, OperatorSchema schema, (string Name, Tensor? Tensor)[] weight, params (string Name, long Value)[] attributes)
    {
        Model model = ModelOf(kind, schema, weight, attributes);
        Assert.Equal(1, new FunctionBodies().Run(new PassContext(model)).Applied);
        return Run(input, kind, model, withLibrary);
    }

    static Dense<float> Run(Dense<float> input, ElementType kind, Model model, bool withLibrary)
    {
        OrtTensor x = OrtTensor.Zeros(kind, input.Dims);
        for (int i = 0; i < input.Data.Length; i++)
            if (kind == ElementType.Float32) MemoryMarshal.Cast<byte, float>(x.Bytes)[i] = input.Data[i];
            else MemoryMarshal.Cast<byte, Half>(x.Bytes)[i] = (Half)input.Data[i];
        var options = OrtSessionOptions.Small with { CustomOpLibraries = withLibrary ? [OperatorLibrary.Require()] : [] };
        using var session = OrtSession.FromBytes(OnnxWriter.ToBytes(model), options);
        OrtTensor y = session.Run([new("input", x)], [new("output")])[0];
        return new(y.Dims.ToArray(), y.ToFloats());
    }

    static Model ModelOf(ElementType kind, OperatorSchema schema, (string Name, Tensor? Tensor)[] weight, (string Name, long Value)[] attributes)
    {
        var graph = new Graph("one");
        Value input = graph.AddInput("input", new TensorType(kind, new TensorShape(Dim.Symbol("b"), Dim.Symbol("s"), Dim.Symbol("k"))));
        Node node = graph.AddNode(schema.Name, OnnxEffOperators.Domain, [input, .. weight.Select(t => t.Tensor is null ? null : graph.AddConstant(t.Tensor))]);
        foreach ((string name, long value) in attributes) node.SetAttribute(name, new IntAttribute(value));
        graph.Outputs.Add(node.AddOutput("output", new TensorType(kind, null)));
        var model = new Model(graph) { IrVersion = 8 };
        model.Opsets[""] = 16;
        model.Opsets[OnnxEffOperators.Domain] = OnnxEffOperators.Version;
        return model;
    }
}
