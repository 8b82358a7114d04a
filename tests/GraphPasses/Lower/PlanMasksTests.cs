using OnnxEff.GraphPasses;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops;
using OnnxEff.Runtime;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Lower;

public class PlanMasksTests
{
    const int B = 2, S = 50, T = 150, Heads = 4, Size = 8, Hidden = Heads * Size;

    public PlanMasksTests() => Native.Require();

    [Theory]
    [InlineData(B, 1)]
    [InlineData(1, 1)]
    [InlineData(B, Heads)]
    public void Layers_that_share_a_mask_share_its_plan(int rows, int heads)
    {
        var model = AssertSame(Layers(s => s.Input("mask", ElementType.Bool, rows, heads, S, T)), ("mask", Mask([rows, heads, S, T])));
        Assert.Single(model.Graph.Nodes, n => n.Is(nameof(BlockMaskPlan), OnnxEffOperators.Domain));
        Assert.Equal(2, Planned(model));
    }

    [Fact]
    public void Numbers_that_are_no_mask_stay_a_bias() => Assert.Equal(0, Planned(AssertSame(Layers(s => s.Input("mask", 1, 1, S, T)))));

    [Fact]
    public void Query_heads_with_masks_of_their_own_keep_their_bias() => Assert.Equal(0, Planned(AssertSame(
        Layers(s => s.Input("mask", ElementType.Bool, 1, Heads, S, T), kvHeads: 2), ("mask", Mask([1, Heads, S, T])))));

    [Fact]
    public void Documents_in_a_row_do_not_see_each_other()
    {
        var path = Fixtures.Of("llama--optimum", "model.onnx");
        int[][] documents = [[5, 6, 7, 8, 9], [9, 8, 7], [1, 2, 3, 4, 5, 6, 7, 8]];
        int[] row = [.. documents.SelectMany(d => d)];
        var packed = OnnxReader.Load(path);
        Optimizer.Run(packed, new() { PackedDocuments = true }, new OrtEvaluator());
        Assert.Single(packed.Graph.Nodes, n => n.Is(nameof(BlockMaskPlan), OnnxEffOperators.Domain));
        var options = OrtSessionOptions.Small with { CustomOpLibraries = [OperatorLibrary.Require()] };
        var together = Evaluated.Run(packed, Feeds(packed, row, [.. documents.SelectMany(d => Enumerable.Range(0, d.Length))]), options)["logits"].ToDouble()!;
        var apart = documents.SelectMany(d => Evaluated.Run(OnnxReader.Load(path), Feeds(packed, d, [.. Enumerable.Range(0, d.Length)]))["logits"].ToDouble()!).ToArray();
        Assert.True(together.Zip(apart, (a, b) => Math.Abs(a - b)).Max() < 1e-4);
    }

    [Fact]
    public void Documents_are_not_packed_where_nothing_tells_them_apart()
    {
        var model = OnnxReader.Load(Fixtures.Of("llama--genai-fp32", "model.onnx"));
        var fault = Assert.Throws<NotSupportedException>(() => Optimizer.Run(model, new() { PackedDocuments = true }, new OrtEvaluator()));
        Assert.StartsWith("Documents cannot be packed", fault.Message);
    }

    static Dictionary<string, Tensor> Feeds(Model model, int[] ids, int[] positions) => model.Graph.Inputs.ToDictionary(i => i.Name, i => i.Name switch
    {
        "input_ids" => Tensor.Create<long>([1, ids.Length], Array.ConvertAll(ids, id => (long)id)),
        "attention_mask" => Tensor.Create<long>([1, ids.Length], [.. ids.Select(_ => 1L)]),
        "position_ids" => Tensor.Create<long>([1, ids.Length], Array.ConvertAll(positions, p => (long)p)),
        _ => Tensor.Create<float>([1, i.Type!.Shape![1].Constant!.Value, 0, i.Type.Shape[3].Constant!.Value], []),
    });

    /// <summary>Two attentions of ONNX, one behind the other, that read one mask.</summary>
    static Sketch Layers(Func<Sketch, Sketch> mask, int kvHeads = Heads)
    {
        var sketch = mask(new Sketch(opset: 23).Input("x", B, S, Hidden).Input("k", B, T, kvHeads * Size).Input("v", B, T, kvHeads * Size));
        (string, AttributeValue)[] heads = [("q_num_heads", (long)Heads), ("kv_num_heads", (long)kvHeads)];
        return sketch.Node("y", "Attention", "x k v mask", heads).Node("z", "Attention", "y k v mask", heads).Output("z");
    }

    static Model AssertSame(Sketch sketch, params (string, Tensor)[] feeds) => AllTargets.AssertSame(sketch, Target.OnnxEff, 1e-5, feeds).Model;

    static int Planned(Model model) => model.Graph.Nodes.Count(n => n.Is(nameof(BlockMaskedAttention), OnnxEffOperators.Domain) && n.Input(11) is null && n.Input(16) is not null);

    // The last key is seen by all, so that no row is empty.
    static Tensor Mask(long[] dims)
    {
        var random = new Random(4);
        return Tensor.Create<bool>(dims, [.. Enumerable.Range(0, (int)Tensor.CountOf(dims)).Select(i => i % T == T - 1 || (i % T / 64 != 1 && random.Next(3) > 0))]);
    }
}
