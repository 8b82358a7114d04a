using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops;

namespace OnnxEff.Runtime;

/// <summary>Compares the operator VptqMatMul, run in ONNX Runtime, with the product of the decoded dense weight.</summary>
public static class VptqLayerCheck
{
    /// <summary>The largest difference that passes, relative to the largest output: fp32 adds in another order.</summary>
    public const double Tolerance = 1e-5;

    /// <summary>Runs one layer on one random token and on enough of them for tiles.</summary>
    /// <param name="codes">The layer.</param>
    /// <param name="options">Options with the operator library.</param>
    /// <returns>The largest difference of an output, relative to the largest output.</returns>
    /// <exception cref="OrtException">The layer does not run.</exception>
    public static double Worst(VptqCodes codes, OrtSessionOptions options)
    {
        using var session = OrtSession.FromBytes(OnnxWriter.ToBytes(OneNode(codes.WithOneSideType())), options);
        return Math.Max(Distance(session, codes, tokens: 1), Distance(session, codes, tokens: 25));
    }

    static double Distance(OrtSession session, VptqCodes codes, int tokens)
    {
        var random = new Random(tokens);
        var input = new Dense<float>([tokens, codes.Layout.Inputs], [.. Enumerable.Range(0, tokens * codes.Layout.Inputs).Select(_ => random.NextSingle() * 2 - 1)]);
        var expected = VptqMatMul.Reference(codes, input).Data;
        var actual = session.Run([new("input", OrtTensor.From<float>(input.Data, input.Dims))], [new("output")])[0].ToFloats();
        double worst = 0, largest = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            var distance = Math.Abs((double)expected[i] - actual[i]);
            worst = double.IsNaN(distance) ? double.PositiveInfinity : Math.Max(worst, distance);
            largest = Math.Max(largest, Math.Abs(expected[i]));
        }
        return worst == 0 ? 0 : worst / largest;
    }

    static Model OneNode(VptqCodes codes)
    {
        var graph = new Graph("layer");
        var input = graph.AddInput("input", new TensorType(ElementType.Float32, new TensorShape(Dim.Symbol("tokens"), Dim.Of(codes.Layout.Inputs))));
        var node = graph.AddNode(VptqMatMul.Schema.Name, OnnxEffOperators.Domain,
            [input, .. VptqMatMul.Tensors(codes).Select(t => t.Tensor is null ? null : graph.AddConstant(t.Tensor, t.Name))]);
        node.SetAttribute("K", new IntAttribute(codes.Layout.Inputs));
        node.SetAttribute("N", new IntAttribute(codes.Layout.Outputs));
        graph.Outputs.Add(node.AddOutput("output", new TensorType(ElementType.Float32, null)));
        var model = new Model(graph) { IrVersion = 8 };
        model.Opsets[""] = 17;
        model.Opsets[OnnxEffOperators.Domain] = OnnxEffOperators.Version;
        return model;
    }
}
