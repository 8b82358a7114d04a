using OnnxEff.Ops;
using Xunit;

namespace OnnxEff.Tests.Ops;

/// <summary>The oracle itself, on cases small enough to compute by hand.</summary>
public class BlockMaskedAttentionReferenceTests
{
    static readonly AttentionAttributes One = new(1, 1) { Scale = 1 };

    static Dense<float> Row(params float[] values) => new([1, values.Length, 1], values);

    // Keys of zero make every visible key weigh the same: outputs are means of the values 1, 2, 4, 8.
    static float[] Means(AttentionAttributes attributes, BlockMaskedAttention.Inputs? x = null) =>
        BlockMaskedAttention.Reference(attributes, x ?? Powers).Output.Data;

    static BlockMaskedAttention.Inputs Powers => new(Row(1, 1, 1, 1)) { Key = Row(0, 0, 0, 0), Value = Row(1, 2, 4, 8) };

    [Fact]
    public void A_causal_query_sees_itself_and_what_was_before() => Assert.Equal([1f, 1.5f, 7f / 3, 3.75f], Means(One));

    [Fact]
    public void Without_causal_every_query_sees_every_key() => Assert.Equal([3.75f, 3.75f, 3.75f, 3.75f], Means(One with { Causal = false }));

    [Fact]
    public void A_window_counts_the_current_key() => Assert.Equal([1f, 1.5f, 3f, 6f], Means(One with { Window = 2 }));

    [Fact]
    public void A_window_alone_bounds_the_keys_before_a_query() =>
        Assert.Equal([3.75f, 3.75f, 14f / 3, 6f], Means(One with { Causal = false, Window = 2 }));

    [Fact]
    public void A_right_window_counts_the_keys_behind_a_query() =>
        Assert.Equal([1.5f, 7f / 3, 3.75f, 3.75f], Means(One with { Causal = false, WindowRight = 1 }));

    [Fact]
    public void A_chunk_hides_what_was_before_it() => Assert.Equal([1f, 1.5f, 4f, 6f], Means(One with { Chunk = 2 }));

    [Fact]
    public void Chunks_may_start_at_the_first_shown_key() =>
        Assert.Equal([0f, 2f, 3f, 8f], Means(One with { Chunk = 2, ChunkFromFirstKey = true }, Powers with { KeyMask = new([1, 4], [0, 1, 1, 1]) }));

    [Fact]
    public void A_slope_of_log_two_halves_the_weight_with_each_step_back() =>
        Assert.Equal((8 + 4 / 2f + 2 / 4f + 1 / 8f) / (1.875f), Means(One, Powers with { Slopes = new([1], [MathF.Log(2)]) })[3], 1e-6f);

    [Fact]
    public void Without_append_queries_end_at_the_last_key()
    {
        var x = new BlockMaskedAttention.Inputs(Row(1, 1)) { PastKey = new([1, 1, 4, 1], [0, 0, 0, 0]), PastValue = new([1, 1, 4, 1], [1, 2, 4, 8]) };
        Assert.Equal([7f / 3, 3.75f], Means(One with { Append = false }, x));
    }

    [Theory]
    [InlineData(ProductStage.Scaled, new float[] { 2, 4 }), InlineData(ProductStage.Capped, new float[] { 0.9640276f, 0.9993293f })]
    [InlineData(ProductStage.Masked, new float[] { 0.9640276f, float.NegativeInfinity }), InlineData(ProductStage.Softmax, new float[] { 1, 0 })]
    public void The_product_is_given_at_each_stage(ProductStage stage, float[] expected)
    {
        var x = new BlockMaskedAttention.Inputs(Row(1, 1)) { Key = Row(1, 2), Value = Row(1, 0) };
        float[] product = BlockMaskedAttention.Reference(One with { Scale = 2, Softcap = 1, ProductStage = stage }, x).Product.Data;
        Assert.Equal(expected, product[..2], (a, b) => a == b || Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void Left_padding_gives_zeros_to_queries_without_keys() =>
        Assert.Equal([0f, 2f, 3f, 14f / 3], Means(One, Powers with { KeyMask = new([1, 4], [0, 1, 1, 1]) }));

    [Fact]
    public void A_sink_of_logit_zero_counts_as_one_more_key_of_value_zero() =>
        Assert.Equal([0.5f, 1f, 1.75f, 3f], Means(One, Powers with { Sinks = new([1], [0f]) }));

    [Fact]
    public void A_bias_of_log_three_weighs_a_key_threefold()
    {
        float[] bias = [MathF.Log(3), 0, 0, 0];
        Assert.Equal(1.25f, Means(One, Powers with { Bias = new([1, 1, 1, 4], bias) })[1], 1e-6f);
    }

    [Fact]
    public void A_softcap_bounds_the_logits()
    {
        var x = new BlockMaskedAttention.Inputs(Row(1, 1)) { Key = Row(1000, 0), Value = Row(1, 0) };
        double weight = Math.Exp(2) / (Math.Exp(2) + 1);
        Assert.Equal(weight, BlockMaskedAttention.Reference(One with { Softcap = 2 }, x).Output.Data[1], 1e-6);
    }

    [Theory]
    [InlineData(false, new float[] { -3, 2, 1, 4 }), InlineData(true, new float[] { -2, 1, 3, 4 })]
    public void A_quarter_turn_rotates_the_first_elements_of_a_key(bool interleaved, float[] expected)
    {
        float[] key = [1, 2, 3, 4], zeros = [0, 0, 0, 0];
        long[] dims = [1, 1, 4];
        var x = new BlockMaskedAttention.Inputs(new(dims, zeros))
        {
            Key = new(dims, key),
            Value = new(dims, zeros),
            Cos = new([1, 2], [0, 1]),
            Sin = new([1, 2], [1, 0]),
        };
        Assert.Equal(expected, BlockMaskedAttention.Reference(One with { RotaryInterleaved = interleaved }, x).PresentKey.Data);
    }

    [Fact]
    public void Contradicting_inputs_are_a_fault_that_says_why() =>
        Assert.Contains("total sequence length", Assert.Throws<ArgumentException>(() => Means(One, Powers with { TotalSequenceLength = 1 })).Message);
}
