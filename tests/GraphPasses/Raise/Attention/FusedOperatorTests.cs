using OnnxEff.GraphPasses;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops;
using OnnxEff.Runtime;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Raise.Attention;

/// <summary>Attention operators of com.microsoft as input: each form, for each target, with the values that ONNX Runtime's own kernel gives.</summary>
public class FusedOperatorTests
{
    const int B = 2, S = 3, P = 9, Heads = 4, Size = 8, Hidden = Heads * Size;

    public FusedOperatorTests() => Native.Require();

    public static TheoryData<Target> Targets => [.. Enum.GetValues<Target>()];

    static (string, AttributeValue) NumHeads => ("num_heads", (long)Heads);

    [Theory]
    [MemberData(nameof(Targets))]
    public void Attention_with_its_weights(Target target) => Same(target, PackedWeights().Node("y", "com.microsoft.Attention", "x w b", NumHeads).Output("y"));

    [Theory]
    [MemberData(nameof(Targets))]
    public void Attention_with_a_cache_in_one_tensor(Target target) => Same(target, PackedWeights().Input("past", 2, B, Heads, P, Size)
        .Node("y present", "com.microsoft.Attention", "x w b _ past", NumHeads, ("unidirectional", 1L)).Output("y", "present"));

    [Theory]
    [MemberData(nameof(Targets))]
    public void Attention_that_shows_its_new_keys(Target target) => Same(target, PackedWeights()
        .Node("y present", "com.microsoft.Attention", "x w b", NumHeads, ("unidirectional", 1L)).Output("y", "present"));

    [Theory]
    [MemberData(nameof(Targets))]
    public void Attention_with_values_of_another_size(Target target) => Same(target, new Sketch().Input("x", B, S, Hidden).Weight("w", Hidden, Hidden * 2 + Heads * 4)
        .Weight("b", Hidden * 2 + Heads * 4).Node("y", "com.microsoft.Attention", "x w b", NumHeads, ("qkv_hidden_sizes", (long[])[Hidden, Hidden, Heads * 4])).Output("y"));

    public static TheoryData<string, Target> KeyMasks
    {
        get
        {
            var data = new TheoryData<string, Target>();
            foreach (var form in (string[])["lengths", "ends and starts", "keys", "queries and keys"])
            {
                foreach (var target in Enum.GetValues<Target>())
                    data.Add(form, target);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(KeyMasks))]
    public void Attention_with_a_mask(string form, Target target)
    {
        var mask = form switch
        {
            "lengths" => Tensor.Vector(3, 2),
            "ends and starts" => Tensor.Vector(3, 3, 0, 1),
            "keys" => Tensor.Create<int>([B, S], [1, 1, 1, 0, 1, 1]),
            _ => Tensor.Create<int>([B, S, S], [1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1]),
        };
        var sketch = PackedWeights().Input("mask", ElementType.Int32, [.. mask.Dims.ToArray().Select(d => (object)(int)d)])
            .Node("y", "com.microsoft.Attention", "x w b mask", NumHeads).Output("y");
        Same(target, sketch, ("mask", mask));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Attention_with_numbers_to_add(Target target) => Same(target, PackedWeights().Input("bias", 1, Heads, S, S)
        .Node("y", "com.microsoft.Attention", "x w b _ _ bias", NumHeads, ("scale", 0.25f)).Output("y"));

    [Theory]
    [MemberData(nameof(Targets))]
    public void MultiHeadAttention_over_flat_heads_with_a_bias(Target target) => Same(target, Flat(S).Weight("b", 3 * Hidden)
        .Node("y", "com.microsoft.MultiHeadAttention", "q k v b", NumHeads).Output("y"));

    [Theory]
    [MemberData(nameof(Targets))]
    public void MultiHeadAttention_with_a_cache(Target target) => Same(target, Flat(S).Input("pk", B, Heads, P, Size).Input("pv", B, Heads, P, Size)
        .Input("bias", B, 1, S, P + S).Node("y k2 v2", "com.microsoft.MultiHeadAttention", "q k v _ _ bias pk pv", NumHeads, ("unidirectional", 1L)).Output("y", "k2", "v2"));

    [Theory]
    [MemberData(nameof(Targets))]
    public void MultiHeadAttention_over_other_keys(Target target)
    {
        var mask = Tensor.Create<int>([B, 5], [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
        Same(target, Flat(5).Weight("b", 3 * Hidden).Input("mask", ElementType.Int32, B, 5)
            .Node("y k2 v2", "com.microsoft.MultiHeadAttention", "q k v b mask", NumHeads).Output("y", "k2", "v2"), ("mask", mask));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void MultiHeadAttention_over_keys_in_heads(Target target) => Same(target, new Sketch().Input("q", B, S, Hidden).Input("k", B, Heads, 5, Size).Input("v", B, Heads, 5, Size)
        .Node("y", "com.microsoft.MultiHeadAttention", "q k v", NumHeads).Output("y"));

    [Theory]
    [MemberData(nameof(Targets))]
    public void MultiHeadAttention_over_packed_heads_is_that_over_their_parts(Target target)
    {
        // ONNX Runtime packs on CUDA only, so the flat form is what must come out.
        var sketch = new Sketch().Input("qkv", B, S, Heads, 3, Size).Node("y", "com.microsoft.MultiHeadAttention", "qkv", NumHeads).Output("y");
        var feeds = RandomFeeds.For(sketch.Graph);
        var expected = new Sketch().Input("qkv", B, S, Heads, 3, Size).Const("flat", 0, 0, Hidden);
        for (var i = 0; i < 3; i++)
            expected.Const($"i{i}", Tensor.Scalar((long)i)).Node($"h{i}", "Gather", $"qkv i{i}", ("axis", 3L)).Node($"p{i}", "Reshape", $"h{i} flat");
        expected.Node("y", "com.microsoft.MultiHeadAttention", "p0 p1 p2", NumHeads).Output("y");
        Optimizer.Run(sketch.Model, new() { Target = target }, new OrtEvaluator());
        var options = target == Target.OnnxEff ? OrtSessionOptions.Small with { CustomOpLibraries = [OperatorLibrary.Require()] } : null;
        Evaluated.AssertClose(Evaluated.Run(expected.Model, feeds), Evaluated.Run(sketch.Model, feeds, options), 1e-5);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void DecoderMaskedMultiHeadAttention_over_keys_in_heads(Target target) => Same(target, new Sketch().Input("q", B, 1, Hidden)
        .Input("k", B, Heads, 5, Size).Input("v", B, Heads, 5, Size).Weight("b", 3 * Hidden)
        .Node("y", "com.microsoft.DecoderMaskedMultiHeadAttention", "q k v _ _ _ _ _ _ _ b", NumHeads).Output("y"));

    [Theory]
    [MemberData(nameof(Targets))]
    public void GroupQueryAttention_that_shows_its_weights(Target target) => Same(target, Grouped()
        .Node("y k2 v2 p", "com.microsoft.GroupQueryAttention", "q k v _ _ last total", [.. GroupedHeads, ("qk_output", 2L)]).Output("y", "k2", "v2", "p"));

    [Theory]
    [MemberData(nameof(Targets))]
    public void GroupQueryAttention_with_a_smooth_softmax(Target target) => Same(target, Grouped()
        .Node("y k2 v2", "com.microsoft.GroupQueryAttention", "q k v _ _ last total", [.. GroupedHeads, ("smooth_softmax", 1L)]).Output("y", "k2", "v2"));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GroupQueryAttention_that_normalises_is_that_over_norms(bool isPacked)
    {
        // ONNX Runtime normalises inside on accelerators only, so the spelled-out form is what must come out.
        Sketch Inputs() => Grouped().Weight("qn", Size).Weight("kn", Size);
        var expected = Inputs();
        foreach (var (name, heads) in ((string, int)[])[("q", Heads), ("k", 2)])
        {
            expected.Const($"{name}s", 0, 0, heads, Size).Const($"{name}f", 0, 0, heads * Size).Node($"{name}4", "Reshape", $"{name} {name}s")
                .Node($"{name}x", "SimplifiedLayerNormalization", $"{name}4 {name}n", ("epsilon", 1e-3f), ("axis", -1L)).Node($"{name}y", "Reshape", $"{name}x {name}f");
        }
        expected.Node("y k2 v2", "com.microsoft.GroupQueryAttention", "qy ky v _ _ last total", GroupedHeads).Output("y", "k2", "v2");
        var sketch = Inputs();
        if (isPacked)
            sketch.Node("qkv", "Concat", "q k v", ("axis", 2L));
        sketch.Node("y k2 v2", "com.microsoft.GroupQueryAttention", $"{(isPacked ? "qkv _ _" : "q k v")} _ _ last total _ _ _ _ _ _ _ qn kn",
            [.. GroupedHeads, ("qk_norm_epsilon", 1e-3f)]).Output("y", "k2", "v2");
        var feeds = RandomFeeds.For(sketch.Graph);
        Optimizer.Run(sketch.Model, new() { Target = Target.Ort }, new OrtEvaluator());
        Evaluated.AssertClose(Evaluated.Run(expected.Model, feeds), Evaluated.Run(sketch.Model, feeds), 1e-5);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void An_encoder_by_the_transformer_optimizer_computes_the_same(Target target)
    {
        var folder = Fixtures.Shared("matrix", "bert--ortopt");
        var model = OnnxReader.Load(Path.Combine(folder, "model.onnx"));
        var feeds = ReferenceData.In(folder)[0].Inputs.ToDictionary();
        var before = Evaluated.Run(model, feeds);
        var report = Optimizer.Run(model, new() { Target = target }, new OrtEvaluator());
        Assert.Equal(2, report.Layers.Count(l => l is { Meaning: "attention", IsRefused: false }));
        Assert.DoesNotContain(model.Graph.Nodes, n => n.Is("Attention", "com.microsoft"));
        var options = target == Target.OnnxEff ? OrtSessionOptions.Small with { CustomOpLibraries = [OperatorLibrary.Require()] } : null;
        Evaluated.AssertClose(before, Evaluated.Run(model, feeds, options), 1e-4);
    }

    [Fact]
    public void A_cache_between_beams_stays()
    {
        var sketch = Flat(S).Input("pk", B, Heads, P, Size).Input("pv", B, Heads, P, Size).Input("length", ElementType.Int32, 1)
            .Node("y k2 v2", "com.microsoft.MultiHeadAttention", "q k v _ _ _ pk pv length", NumHeads).Output("y", "k2", "v2");
        var report = Optimizer.Run(sketch.Model, new(), new OrtEvaluator());
        Assert.Equal("its cache is a buffer whose content is decided outside of the graph", Assert.Single(report.Layers, l => l.Meaning == "attention").Sentence);
        Assert.Equal("MultiHeadAttention", sketch.Ops);
    }

    static Sketch PackedWeights() => new Sketch().Input("x", B, S, Hidden).Weight("w", Hidden, 3 * Hidden).Weight("b", 3 * Hidden);

    static (string, AttributeValue)[] GroupedHeads => [("num_heads", (long)Heads), ("kv_num_heads", 2L)];

    static Sketch Grouped() => new Sketch().Input("q", B, S, Hidden).Input("k", B, S, 2 * Size).Input("v", B, S, 2 * Size)
        .Const("last", Tensor.Vector(S - 1, S - 1)).Const("total", Tensor.Scalar(S));

    static Sketch Flat(int keys) => new Sketch().Input("q", B, S, Hidden).Input("k", B, keys, Hidden).Input("v", B, keys, Hidden);

    static void Same(Target target, Sketch sketch, params (string, Tensor)[] feeds)
    {
        var (model, report) = AllTargets.AssertSame(sketch, target, 1e-5, feeds);
        Assert.Single(report.Layers, l => l.Meaning == "attention");
        if (target == Target.OnnxEff)
        {
            Assert.DoesNotContain(report.Layers, l => l.IsRefused);
            Assert.Single(model.Graph.Nodes, n => n.Is(nameof(BlockMaskedAttention), OnnxEffOperators.Domain));
        }
        else if (target == Target.Onnx)
            Assert.DoesNotContain(model.Graph.Nodes, n => n.Domain.Length > 0);
    }
}
