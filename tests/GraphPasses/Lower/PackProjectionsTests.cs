using OnnxEff.GraphPasses;
using OnnxEff.Ir;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Lower;

public class PackProjectionsTests
{
    const int B = 2, S = 3, Heads = 4, KvHeads = 2, Size = 32, Hidden = 32;

    public enum Form { Plain, Biased, Transposed, FourBits }

    public static TheoryData<Form, Target> Forms
    {
        get
        {
            var data = new TheoryData<Form, Target>();
            foreach (var form in Enum.GetValues<Form>())
                data.AddRange((form, Target.OnnxEff), (form, Target.Ort));
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Projections_become_one_product(Form form, Target target)
    {
        var (model, _) = AllTargets.AssertSame(Attention(form), target, 1e-4);
        Assert.Contains("node_q+node_k+node_v", Assert.Single(model.Graph.Nodes, n => n.OpType is "MatMul" or "MatMulNBits").Input(1)!.Name, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Target.OnnxEff)]
    [InlineData(Target.Ort)]
    public void What_an_exporter_packed_stays_whole(Target target)
    {
        var sketch = Start().Weight("w", Hidden, (Heads + KvHeads + KvHeads) * Size).Node("qkv", "MatMul", "x w").Const("sizes", Heads * Size, KvHeads * Size, KvHeads * Size)
            .Node("q k v", "Split", "qkv sizes", ("axis", 2L));
        var (model, _) = AllTargets.AssertSame(Finish(sketch), target, 1e-4);
        if (target == Target.OnnxEff)
            Assert.Equal(["MatMul", "BlockMaskedAttention"], model.Graph.Nodes.Select(n => n.OpType));
    }

    [Fact]
    public void Projections_of_which_something_else_reads_one_stay()
    {
        var (model, _) = AllTargets.AssertSame(Attention(Form.Plain).Node("seen", "Neg", "k").Output("seen"), Target.OnnxEff);
        Assert.Equal(3, model.Graph.Nodes.Count(n => n.OpType == "MatMul"));
    }

    [Fact]
    public void Projections_of_different_forms_stay()
    {
        var sketch = Start();
        Project(sketch, "q", Heads, Form.FourBits);
        Project(sketch, "k", KvHeads, Form.Plain);
        Project(sketch, "v", KvHeads, Form.Plain);
        var (model, _) = AllTargets.AssertSame(Finish(sketch), Target.OnnxEff, 1e-4);
        Assert.Equal(3, model.Graph.Nodes.Count(n => n.OpType is "MatMul" or "MatMulNBits"));
    }

    [Theory]
    [InlineData(Form.Plain)]
    [InlineData(Form.Biased)]
    [InlineData(Form.Transposed)]
    [InlineData(Form.FourBits)]
    public void Gate_and_up_become_one_product(Form form)
    {
        var (model, _) = AllTargets.AssertSame(Gate(form), Target.OnnxEff, 1e-4);
        Assert.Equal(1, model.Graph.Nodes.Count(n => n.OpType is "MatMul" or "MatMulNBits"));
        Assert.Null(Assert.Single(model.Graph.Nodes, n => n.OpType == "SwiGlu").Input(1));
    }

    [Fact]
    public void Gate_and_up_stay_two_where_an_operator_for_both_is_not()
    {
        var (model, _) = AllTargets.AssertSame(Gate(Form.Plain), Target.Ort, 1e-4);
        Assert.Equal(2, model.Graph.Nodes.Count(n => n.OpType == "MatMul"));
    }

    [Fact]
    public void Gate_and_up_of_which_something_else_reads_one_stay()
    {
        var (model, _) = AllTargets.AssertSame(Gate(Form.Plain).Node("seen", "Neg", "u").Output("seen"), Target.OnnxEff, 1e-4);
        Assert.Equal(2, model.Graph.Nodes.Count(n => n.OpType == "MatMul"));
    }

    [Fact]
    public void Gate_and_up_stay_two_where_that_is_asked_for()
    {
        var sketch = Gate(Form.Plain);
        sketch.Run([.. Pipelines.Raise.Select(s => s.Pass), .. Pipelines.Lower(Target.OnnxEff, opset: 23, gatesApart: true).Select(s => s.Pass)]);
        Assert.Equal(["MatMul", "MatMul", "SwiGlu"], sketch.Graph.Nodes.Select(n => n.OpType));
    }

    [Fact]
    public void Large_gates_stay()
    {
        var (model, _) = AllTargets.AssertSame(Gate(Form.Plain, hidden: 1024, heads: 150), Target.OnnxEff, 1e-4);
        Assert.Equal(2, model.Graph.Nodes.Count(n => n.OpType == "MatMul"));
    }

    static Sketch Gate(Form form, int hidden = Hidden, int heads = 3)
    {
        var sketch = new Sketch(opset: 23).Input("x", B, S, hidden);
        Project(sketch, "g", heads, form, hidden);
        Project(sketch, "u", heads, form, hidden);
        return sketch.Node("s", "Sigmoid", "g").Node("a", "Mul", "g s").Node("y", "Mul", "a u").Output("y");
    }

    static Sketch Start() => new Sketch(opset: 23).Input("x", B, S, Hidden);

    static Sketch Attention(Form form)
    {
        var sketch = Start();
        Project(sketch, "q", Heads, form);
        Project(sketch, "k", KvHeads, form);
        Project(sketch, "v", KvHeads, form);
        return Finish(sketch);
    }

    static Sketch Finish(Sketch sketch) => sketch
        .Node("y", "Attention", "q k v", ("q_num_heads", (long)Heads), ("kv_num_heads", (long)KvHeads), ("is_causal", 1L)).Output("y");

    static void Project(Sketch sketch, string name, int heads, Form form, int hidden = Hidden)
    {
        long width = heads * Size;
        switch (form)
        {
            case Form.Plain:
                sketch.Weight($"w{name}", hidden, width).Node(name, "MatMul", $"x w{name}");
                break;
            case Form.Biased:
                sketch.Weight($"w{name}", hidden, width).Weight($"{name}.bias", width).Node($"{name}.p", "MatMul", $"x w{name}").Node(name, "Add", $"{name}.p {name}.bias");
                break;
            case Form.Transposed:
                sketch.Weight($"w{name}", width, hidden).Node($"t{name}", "Transpose", $"w{name}").Node(name, "MatMul", $"x t{name}");
                break;
            default:
                var random = new Random(name[0]);
                var codes = new byte[width * hidden / 2];
                random.NextBytes(codes);
                sketch.Const($"w{name}", Tensor.Create<byte>([width, 1, hidden / 2], codes)).Weight($"s{name}", width)
                    .Node(name, "com.microsoft.MatMulNBits", $"x w{name} s{name}", ("K", hidden), ("N", width), ("bits", 4), ("block_size", 32));
                break;
        }
    }
}
