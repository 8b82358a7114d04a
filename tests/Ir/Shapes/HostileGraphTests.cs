using OnnxEff.Ir;
using OnnxEff.Ir.Shapes;
using Xunit;

namespace OnnxEff.Tests.Ir.Shapes;

public class HostileGraphTests
{
    static readonly string[] s_operators = [
        "Add", "Div", "Mod", "Pow", "Max", "Clip", "Where", "Cast", "Equal", "Shape", "Size", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose",
        "Expand", "Tile", "Gather", "GatherElements", "GatherND", "Concat", "Split", "Slice", "Pad", "TopK", "NonZero", "Compress", "OneHot",
        "Constant", "ConstantOfShape", "Range", "ReduceSum", "ReduceMean", "ArgMax", "MatMul", "Gemm", "Einsum", "LayerNormalization", "Attention",
        "LinearAttention", "If", "Loop", "Scan", "com.microsoft.GroupQueryAttention", "com.microsoft.MultiHeadAttention", "com.microsoft.Attention",
        "com.microsoft.MatMulNBits", "com.microsoft.GatherBlockQuantized", "com.microsoft.FusedMatMul", "com.microsoft.EmbedLayerNormalization",
        "com.microsoft.PagedAttention", "ai.onnx.preview.FlexAttention", "DepthToSpace", "BatchNormalization", "QuantizeLinear"];

    static readonly string[] s_attributes = ["axis", "axes", "keepdims", "perm", "to", "start", "end", "num_heads", "kv_num_heads", "q_num_heads", "K", "N", "bits",
        "batch_dims", "blocksize", "gather_axis", "split", "num_scan_inputs", "qkv_hidden_sizes", "transA", "transBatchA", "body", "body", "then_branch", "else_branch", "score_mod"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Nonsense_gives_sentences_and_no_exception(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 500; i++)
            Assert.NotNull(ShapeInference.Run(Nonsense(random)));
    }

    [Fact]
    public void Squaring_a_size_again_and_again_does_not_run_away()
    {
        var g = new TestGraph();
        var size = g.Op("Size", g.Input("x", "B + S, T + 1"));
        for (var i = 0; i < 200; i++)
            size = g.Op("Mul", size, size);
        Assert.NotEmpty(g.Facts.Diagnostics);
    }

    [Fact]
    public void Loops_within_loops_do_not_run_away()
    {
        var g = new TestGraph();
        var x = g.Input("x", "B, 4");
        Nest(g, g.Graph, x, depth: 40);
        Assert.NotNull(g.Facts);
    }

    [Fact]
    public void A_cycle_is_reported()
    {
        var g = new TestGraph();
        var first = g.Node("Relu", [g.Input("x", "B")]);
        first.SetInput(0, g.Op("Relu", first.Result));
        Assert.Contains("cycle", Assert.Single(g.Facts.Diagnostics).Sentence);
    }

    static Value Nest(TestGraph g, Graph graph, Value x, int depth)
    {
        if (depth == 0)
            return g.NodeIn(graph, "Concat", [x, x], 1, ("axis", 0)).Result;
        var body = new Graph("body", graph);
        body.AddInput("i");
        var go = body.AddInput("go");
        body.Outputs.AddRange([go, Nest(g, body, body.AddInput("state"), depth - 1)]);
        return g.NodeIn(graph, "Loop", [g.Int(2), null, x], 1, ("body", new GraphAttribute(body))).Result;
    }

    static Model Nonsense(Random random)
    {
        var g = new TestGraph(opset: random.Next(10, 26));
        List<Value> values = [g.Input("a", "B, S, 8"), g.Input("b", ElementType.Int64, "B, S"), g.Input("c", ""), g.Graph.AddInput("d"),
            g.Input("e", "B, 2, P, 8"), g.Ints(0, -1), g.Ints(2, 3, 4), g.Ints(), g.Int(-5), g.Int(long.MaxValue), g.Ints(long.MinValue, 1),
            g.Number(float.NaN), g.Number(1e30f), g.Graph.AddConstant(Tensor.Create<long>([2, 0], []))];
        for (var i = 0; i < 12; i++)
        {
            var inputs = new Value?[random.Next(0, 8)];
            for (var k = 0; k < inputs.Length; k++)
                inputs[k] = random.Next(8) == 0 ? null : values[random.Next(values.Count)];
            var node = g.Node(s_operators[random.Next(s_operators.Length)], inputs, random.Next(0, 4));
            for (var k = random.Next(4); k > 0; k--)
                node.SetAttribute(s_attributes[random.Next(s_attributes.Length)], AnyAttribute(random, g));
            values.AddRange(node.Outputs);
        }
        return g.Model;
    }

    static Graph Body(Random random, TestGraph g)
    {
        var body = new Graph("body", g.Graph);
        List<Value> values = [.. g.Graph.Inputs];
        for (var i = random.Next(4); i > 0; i--)
            values.Add(body.AddInput($"in{i}"));
        for (var i = random.Next(4); i > 0; i--)
        {
            Value?[] inputs = [values[random.Next(values.Count)], values[random.Next(values.Count)]];
            values.Add(g.NodeIn(body, s_operators[random.Next(s_operators.Length)], inputs).Result);
        }
        for (var i = random.Next(4); i > 0; i--)
            body.Outputs.Add(values[random.Next(values.Count)]);
        return body;
    }

    static AttributeValue AnyAttribute(Random random, TestGraph g) => random.Next(7) switch
    {
        6 => new GraphAttribute(Body(random, g)),
        0 => new IntsAttribute([.. Enumerable.Range(0, random.Next(4)).Select(_ => random.NextInt64(-5, 5))]),
        1 => new IntAttribute(random.NextInt64(long.MinValue, long.MaxValue)),
        2 => new TensorAttribute(Tensor.Vector<long>(random.Next(5))),
        3 => new StringAttribute("ab,c->a"u8.ToArray()),
        _ => new IntAttribute(random.Next(-4, 5)),
    };
}
