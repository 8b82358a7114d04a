using OnnxEff.GraphPasses;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;
using static OnnxEff.Tests.GraphPasses.Raise.Attention.DecoderSketch;

namespace OnnxEff.Tests.GraphPasses.Raise.Attention;

public class RaiseAttentionTests
{
    static readonly GraphPass[] Raise = [.. Pipelines.Raise.Select(s => s.Pass)];

    public RaiseAttentionTests() => Native.Require();

    [Theory]
    [InlineData(Factor.OnQuery)]
    [InlineData(Factor.OnKeys)]
    [InlineData(Factor.OnBoth)]
    [InlineData(Factor.OnLogits)]
    [InlineData(Factor.DividesLogits)]
    public void The_scale_may_stand_anywhere(Factor scale) =>
        Assert.Equal(1 / MathF.Sqrt(DecoderSketch.Size), Raised(new() { Scale = scale }).Scale, 1e-6f);

    [Theory]
    [InlineData(MaskKind.Added)]
    [InlineData(MaskKind.AddedLowest)]
    [InlineData(MaskKind.Shows)]
    [InlineData(MaskKind.Hides)]
    public void A_mask_in_any_form_becomes_its_rule(MaskKind mask)
    {
        var attention = Raised(new() { Mask = mask });
        Assert.True(attention.Causal);
        Assert.Equal("attention_mask", attention[AttentionInput.KeyMask]?.Name);
        Assert.Null(attention[AttentionInput.Bias]);
    }

    [Fact]
    public void A_window_is_found_and_counts_the_query_itself() => Assert.Equal(3, Raised(new() { Window = 3 }).Window);

    [Fact]
    public void A_window_is_found_in_a_square_mask() => Assert.Equal(3, Raised(new() { Window = 3, SquareMask = true }).Window);

    [Fact]
    public void A_window_too_long_to_try_leaves_the_mask_a_tensor()
    {
        var attention = Raised(new() { Window = 30_000, SquareMask = true });
        Assert.NotNull(attention[AttentionInput.Bias]);
        Assert.Contains("cannot be ruled out", attention.MaskFact);
    }

    [Fact]
    public void A_graph_without_a_mask_has_none()
    {
        var attention = Raised(new() { Mask = MaskKind.None });
        Assert.False(attention.Causal);
        Assert.Null(attention[AttentionInput.KeyMask]);
    }

    [Theory]
    [InlineData("Expand")]
    [InlineData("Tile")]
    public void Repeated_heads_are_taken_in(string repeat) => Assert.Equal(KvHeads, Raised(new() { Repeat = repeat }).KvHeads);

    [Fact]
    public void Heads_repeated_in_another_order_stay_repeated() => Assert.Equal(Heads, Raised(new() { RepeatAxis = 1 }).KvHeads);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_rotation_is_taken_in(bool splits)
    {
        var attention = Raised(new() { SplitsHalves = splits });
        Assert.Equal("base 10000, width 8", attention.RotaryFact);
        Assert.Equal(DecoderSketch.Size / 2, attention[AttentionInput.Cos]!.Type!.Shape![-1].Constant);
    }

    [Fact]
    public void A_guard_against_NaN_disappears() => Raised(new() { GuardsNaN = true });

    [Fact]
    public void A_soft_cap_is_taken_in() => Assert.Equal(5f, Raised(new() { Softcap = 5 }).Softcap);

    [Fact]
    public void A_graph_without_cache_has_none() => Assert.Null(Raised(new() { HasCache = false })[AttentionInput.PastKey]);

    [Fact]
    public void Presents_keep_their_names()
    {
        var node = Raised(new()).Node;
        Assert.Equal(["present.key", "present.value"], node.Outputs.Skip(1).Select(o => o.Name));
    }

    [Fact]
    public void A_number_added_to_all_logits_of_a_head_is_not_seen_by_the_softmax()
    {
        var attention = Raised(new() { HasHeadBias = true });
        Assert.Null(attention[AttentionInput.Bias]);
        Assert.Null(attention[AttentionInput.Slopes]);
        Assert.Contains("causal", attention.MaskFact);
    }

    [Fact]
    public void A_causal_operator_stays_causal_beside_a_bias_that_stays_a_tensor()
    {
        Sketch Build() => new Sketch(opset: 23).Input("q", "batch", Heads, "sequence", DecoderSketch.Size).Input("k", "batch", Heads, "sequence", DecoderSketch.Size)
            .Input("v", "batch", Heads, "sequence", DecoderSketch.Size).Input("bias", 1, Heads, "sequence", "sequence")
            .Node("y", "Attention", "q k v bias", ("is_causal", 1L)).Output("y");
        Build().RunSame(1e-5, [.. Raise, .. Pipelines.Lower(Target.Onnx, opset: 23).Select(s => s.Pass)]);
        var raised = Build();
        raised.Run(Raise);
        Assert.True(new LlmAttention(Assert.Single(raised.Graph.Nodes, LlmAttention.Fits)).Causal);
    }

    [Fact]
    public void Refuses_a_softmax_over_another_axis()
    {
        var report = new DecoderSketch { SoftmaxAxis = 1 }.Build().Run(Raise);
        Assert.Contains(report.Refusals, r => r.Sentence == "the softmax must run over the keys, the last axis" && r.NodeName == "node_p0");
    }

    [Theory]
    [InlineData(Target.Onnx)]
    [InlineData(Target.Ort)]
    public void Raised_and_lowered_it_computes_the_same(Target target)
    {
        // GroupQueryAttention takes several rows with a past one token at a time only.
        var hasCache = target == Target.Onnx;
        foreach (var sketch in (DecoderSketch[])[new(), new() { Window = 3, Scale = Factor.OnBoth }, new() { Mask = MaskKind.None, GuardsNaN = true },
            new() { Softcap = 5, HasHeadBias = true }, new() { RepeatAxis = 1, Repeat = "Tile" }])
        {
            (sketch with { HasCache = hasCache }).Build().RunSame(1e-5, [.. Raise, .. Pipelines.Lower(target, opset: 18).Select(s => s.Pass)]);
        }
    }

    [Fact]
    public void Lowered_graphs_do_not_ask_how_long_the_cache_is()
    {
        var sketch = new DecoderSketch().Build();
        sketch.Run([.. Raise, .. Pipelines.Lower(Target.Ort, opset: 18).Select(s => s.Pass)]);
        Assert.All(sketch.Graph.Inputs.Where(i => i.Name.StartsWith("past", StringComparison.Ordinal)), i => Assert.Single(i.Uses));
    }

    /// <summary>The one attention of a sketch, after checking that it computes what the sketch does.</summary>
    static LlmAttention Raised(DecoderSketch decoder)
    {
        decoder.Build().RunSame(1e-5, [.. Raise, .. Pipelines.Lower(Target.Onnx, opset: 18).Select(s => s.Pass)]);
        var sketch = decoder.Build();
        var report = sketch.Run(Raise);
        var node = sketch.Graph.Nodes.SingleOrDefault(LlmAttention.Fits);
        Assert.True(node is not null, string.Join("; ", report.Refusals));
        return new(node);
    }
}
