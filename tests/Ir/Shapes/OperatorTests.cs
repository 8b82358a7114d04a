using OnnxEff.Ir;
using Xunit;

namespace OnnxEff.Tests.Ir.Shapes;

public class OperatorTests
{
    readonly TestGraph g = new(opset: 23);

    [Theory]
    [InlineData("B, S, 8", "8, 4", "B, S, 4")]
    [InlineData("B, 1, S, 8", "H, 8, T", "B, H, S, T")]
    [InlineData("8", "B, 8, 4", "B, 4")]
    [InlineData("B, 4, 8", "8", "B, 4")]
    public void MatMul_broadcasts_its_batch(string a, string b, string expected) =>
        Assert.Equal($"float32[{expected}]", g.Type(g.Op("MatMul", g.Input("a", a), g.Input("b", b))));

    [Fact]
    public void Gemm_reads_transposed_operands() =>
        Assert.Equal("float32[M, 4]", g.Type(g.Op("Gemm", [g.Input("a", "8, M"), g.Input("b", "4, 8")], ("transA", 1), ("transB", 1))));

    [Theory]
    [InlineData("bhsd,bhtd->bhst", "B, 4, S, T")]
    [InlineData("bhsd,bhtd->h", "4")]
    public void Einsum_names_its_axes(string equation, string expected) =>
        Assert.Equal($"float32[{expected}]", g.Type(g.Op("Einsum", [g.Input("a", "B, 4, S, 16"), g.Input("b", "B, 4, T, 16")], ("equation", equation))));

    [Fact]
    public void Reductions_keep_or_drop_axes()
    {
        var x = g.Input("x", "B, S, 64");
        Assert.Equal("float32[B, S, 1]", g.Type(g.Op("ReduceMean", x, g.Ints(-1))));
        Assert.Equal("float32[B]", g.Type(g.Op("ReduceSum", [x, g.Ints(1, 2)], ("keepdims", 0))));
        Assert.Equal("float32[1, 1, 1]", g.Type(g.Op("ReduceMax", x)));
        Assert.Equal("int64[B, S]", g.Type(g.Op("ArgMax", [x], ("axis", 2), ("keepdims", 0))));
    }

    [Fact]
    public void Reductions_of_older_operator_sets_have_axes_as_an_attribute()
    {
        var old = new TestGraph(opset: 17);
        Assert.Equal("float32[B, 1]", old.Type(old.Op("ReduceMean", [old.Input("x", "B, 64")], ("axes", new long[] { 1 }))));
    }

    [Fact]
    public void LayerNormalization_has_statistics()
    {
        var node = g.Node("LayerNormalization", [g.Input("x", "B, S, 64"), g.Input("w", "64")], 3);
        Assert.Equal("float32[B, S, 64]", g.Type(node.Outputs[0]));
        Assert.Equal("float32[B, S, 1]", g.Type(node.Outputs[2]));
    }

    [Fact]
    public void Attention_on_heads_joins_past_and_present()
    {
        var node = g.Node("Attention", [g.Input("q", "B, 8, S, 16"), g.Input("k", "B, 2, S, 16"), g.Input("v", "B, 2, S, 32"), null,
            g.Input("pk", "B, 2, P, 16"), g.Input("pv", "B, 2, P, 32")], 4);
        Assert.Equal("float32[B, 8, S, 32]", g.Type(node.Outputs[0]));
        Assert.Equal("float32[B, 2, P + S, 16]", g.Type(node.Outputs[1]));
        Assert.Equal("float32[B, 2, P + S, 32]", g.Type(node.Outputs[2]));
        Assert.Equal("float32[B, 8, S, P + S]", g.Type(node.Outputs[3]));
    }

    [Fact]
    public void Attention_on_rows_splits_heads_by_its_attributes()
    {
        var node = g.Node("Attention", [g.Input("q", "B, S, 128"), g.Input("k", "B, T, 32"), g.Input("v", "B, T, 64")], 1,
            ("q_num_heads", 8), ("kv_num_heads", 2));
        Assert.Equal("float32[B, S, 256]", g.Type(node.Result));
    }

    [Fact]
    public void GroupQueryAttention_unpacks_and_grows_its_cache()
    {
        var mask = g.Input("mask", ElementType.Int64, "B, T");
        var total = g.Op("Cast", [g.Op("Gather", g.Op("Shape", mask), g.Int(1))], ("to", (long)ElementType.Int32));
        var node = g.Node("com.microsoft.GroupQueryAttention", [g.Input("qkv", "B, S, 128"), null, null, g.Input("pk", "B, 2, P, D"),
            g.Input("pv", "B, 2, P, D"), g.Input("lengths", ElementType.Int32, "B"), total], 3, ("num_heads", 4), ("kv_num_heads", 2));

        Assert.Equal("float32[B, S, 64]", g.Type(node.Outputs[0]));
        Assert.Equal("float32[B, 2, max(P, T), 16]", g.Type(node.Outputs[1]));
        Assert.Equal("16", g.Facts.Equalities["D"].ToString());
    }

    [Fact]
    public void Quantised_products_and_tables_have_the_dimensions_of_their_attributes()
    {
        var product = g.Op("com.microsoft.MatMulNBits", [g.Input("x", "B, S, 64"), g.Input("w", ElementType.UInt8, "256, 2, 16"), g.Input("s", "256, 2")],
            ("K", 64), ("N", 256), ("bits", 4), ("block_size", 32));
        var rows = g.Op("com.microsoft.GatherBlockQuantized", [g.Input("t", ElementType.UInt8, "256, 32"), g.Input("ids", ElementType.Int64, "B, S"),
            g.Input("ts", "256, 2")], ("bits", 4));
        Assert.Equal("float32[B, S, 256]", g.Type(product));
        Assert.Equal("float32[B, S, 64]", g.Type(rows));
    }

    [Fact]
    public void FusedMatMul_reads_transposed_operands() => Assert.Equal("float32[B, 4, S, T]", g.Type(
        g.Op("com.microsoft.FusedMatMul", [g.Input("a", "B, 4, S, 16"), g.Input("b", "B, 4, T, 16")], ("transB", 1))));

    [Fact]
    public void Skip_normalisation_also_returns_the_sum()
    {
        var node = g.Node("com.microsoft.SkipSimplifiedLayerNormalization", [g.Input("x", "B, S, 64"), g.Input("y", "B, S, 64"), g.Input("w", "64")], 4);
        Assert.Equal("float32[B, S, 64]", g.Type(node.Outputs[3]));
    }

    [Fact]
    public void A_loop_keeps_the_dimensions_that_an_iteration_keeps()
    {
        var body = new Graph("body", g.Graph);
        body.AddInput("i");
        var go = body.AddInput("go");
        var state = body.AddInput("state");
        var grown = g.NodeIn(body, "Concat", [state, state], 1, ("axis", 1)).Result;
        body.Outputs.AddRange([go, grown, g.NodeIn(body, "Identity", [state]).Result]);
        var loop = g.Node("Loop", [g.Int(3), null, g.Input("x", "B, 4")], 2, ("body", new GraphAttribute(body)));

        Assert.Equal($"float32[B, ?{loop.Outputs[0].Name}.1]", g.Type(loop.Outputs[0]));
        Assert.Equal(3, loop.Outputs[1].Type!.Shape!.Rank);
    }

    [Fact]
    public void A_scan_takes_and_gives_the_scanned_axis()
    {
        var body = new Graph("body", g.Graph);
        var (state, step) = (body.AddInput("state"), body.AddInput("step"));
        var sum = g.NodeIn(body, "Add", [state, step]).Result;
        body.Outputs.AddRange([sum, g.NodeIn(body, "Identity", [sum]).Result]);
        var scan = g.Node("Scan", [g.Input("x", "8"), g.Input("xs", "S, 8")], 2, ("body", new GraphAttribute(body)), ("num_scan_inputs", 1));

        Assert.Equal("float32[8]", g.Type(scan.Outputs[0]));
        Assert.Equal("float32[S, 8]", g.Type(scan.Outputs[1]));
    }

    [Fact]
    public void A_known_condition_chooses_the_branch()
    {
        var x = g.Input("x", "B, 4");
        var (yes, no) = (new Graph("then", g.Graph), new Graph("else", g.Graph));
        yes.Outputs.Add(g.NodeIn(yes, "Transpose", [x]).Result);
        no.Outputs.Add(g.NodeIn(no, "Identity", [x]).Result);
        var condition = g.Op("Equal", g.Op("Gather", g.Op("Shape", x), g.Int(1)), g.Int(4));
        var result = g.Op("If", [condition], ("then_branch", new GraphAttribute(yes)), ("else_branch", new GraphAttribute(no)));

        Assert.Equal("float32[4, B]", g.Type(result));
    }

    [Fact]
    public void An_unknown_operator_leaves_what_the_file_declares()
    {
        var node = g.Node("other.Thing", [g.Input("x", "B, 4")]);
        node.Result.Type = new TensorType(ElementType.Float32, new TensorShape(Dim.Symbol("B"), Dim.Of(9)));
        Assert.Equal("float32[B, 9]", g.Type(node.Result));
        Assert.Equal("float32[9, B]", g.Type(g.Op("Transpose", node.Result)));
    }

    [Fact]
    public void What_follows_wins_over_what_the_file_declares()
    {
        var y = g.Op("Relu", g.Input("x", "B, 4"));
        y.Type = new TensorType(ElementType.Float32, new TensorShape(Dim.Symbol("unk"), Dim.Of(5)));
        Assert.Equal("float32[B, 4]", g.Type(y));
        Assert.Contains("is declared", Assert.Single(g.Facts.Diagnostics).Sentence);
    }
}
