using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Doctor;

/// <summary>A model of one attention node, run through the operator library and compared with the declaration's own reference.</summary>
static class AttentionProbe
{
    const int Tokens = 5, Heads = 2, HeadSize = 8, Width = Heads * HeadSize;
    const float Tolerance = 1e-5f;

    /// <summary>Runs it; what was found, in words.</summary>
    /// <exception cref="InvalidOperationException">The library computes something else.</exception>
    public static string Run(string library)
    {
        var options = OrtSessionOptions.Small with { CustomOpLibraries = [library] };
        using var session = OrtSession.FromBytes(OnnxWriter.ToBytes(OneAttention()), options);
        var query = Wave(0.3f);
        var key = Wave(0.7f);
        var value = Wave(1.1f);
        using OrtTensor q = Tensor(query), k = Tensor(key), v = Tensor(value);
        var results = session.Run([new("q", q), new("k", k), new("v", v)], [new OrtFetch("y")]);
        using var y = results[0];
        var error = Compare(y.ToFloats(), Expected(query, key, value));
        return error <= Tolerance
            ? $"registered, and one attention agrees with the reference to {error:0.0e0}"
            : throw new InvalidOperationException($"One attention differs from the reference by {error:0.0e0}: publish the library again.");
    }

    static Model OneAttention()
    {
        var graph = new Graph("probe");
        var type = new TensorType(ElementType.Float32, new TensorShape([Dim.Of(1), Dim.Of(Tokens), Dim.Of(Width)]));
        Value[] inputs = [graph.AddInput("q", type), graph.AddInput("k", type), graph.AddInput("v", type)];
        var node = graph.AddNode(BlockMaskedAttention.Schema.Name, OnnxEffOperators.Domain, inputs);
        node.SetAttribute("num_heads", new IntAttribute(Heads));
        node.SetAttribute("kv_num_heads", new IntAttribute(Heads));
        graph.Outputs.Add(node.AddOutput("y", type));
        var model = new Model(graph) { IrVersion = 8 };
        model.Opsets[""] = 17;
        model.Opsets[OnnxEffOperators.Domain] = OnnxEffOperators.Version;
        return model;
    }

    // Causal softmax(q·kᵀ/√D)·v, one number at a time.
    static float[] Expected(float[] query, float[] key, float[] value)
    {
        var result = new float[Tokens * Width];
        for (var head = 0; head < Heads; head++)
            for (var s = 0; s < Tokens; s++)
            {
                var weights = Enumerable.Range(0, s + 1)
                    .Select(t => Math.Exp(Enumerable.Range(0, HeadSize).Sum(d => (double)query[At(s, head, d)] * key[At(t, head, d)]) / Math.Sqrt(HeadSize)))
                    .ToArray();
                for (var d = 0; d < HeadSize; d++)
                    result[At(s, head, d)] = (float)(weights.Select((w, t) => w * value[At(t, head, d)]).Sum() / weights.Sum());
            }
        return result;
    }

    static int At(int token, int head, int d) => token * Width + head * HeadSize + d;

    static float[] Wave(float step) => [.. Enumerable.Range(0, Tokens * Width).Select(i => MathF.Sin(step * i))];

    static OrtTensor Tensor(float[] values) => OrtTensor.From<float>(values, 1, Tokens, Width);

    static float Compare(float[] got, float[] expected) => got.Zip(expected, (a, b) => MathF.Abs(a - b)).Max();
}
