using OnnxEff.Ops;
using Xunit;

namespace OnnxEff.Tests.Ops;

public class AttentionGeometryTests
{
    static readonly AttentionAttributes Heads = new(4, 2);

    /// <summary>B = 2, S = 3, P = 5, D = 16.</summary>
    static readonly AttentionShapes Plain = new([2, 3, 64])
    {
        Key = [2, 3, 32],
        Value = [2, 3, 32],
        PastKey = [2, 2, 5, 16],
        PastValue = [2, 2, 5, 16],
    };

    static AttentionGeometry Accept(AttentionShapes shapes, int[]? seqlens = null, int? total = null)
    {
        AttentionGeometry? g = AttentionGeometry.Derive(Heads, shapes, seqlens, total, out string? refusal);
        Assert.Null(refusal);
        return g!;
    }

    static void Refuses(string sentence, AttentionShapes shapes, int[]? seqlens = null, int? total = null)
    {
        Assert.Null(AttentionGeometry.Derive(Heads, shapes, seqlens, total, out string? refusal));
        Assert.Contains(sentence, refusal);
    }

    [Fact]
    public void Total_is_past_and_new_tokens_when_nothing_says_otherwise()
    {
        AttentionGeometry g = Accept(Plain);
        Assert.Equal((8, 8, 16), (g.Total, g.PresentRows, g.HeadSize));
        Assert.Equal([5, 5], g.QueryStarts);
    }

    [Fact]
    public void A_past_of_at_least_the_total_is_a_buffer()
    {
        AttentionGeometry g = Accept(Plain, total: 4);
        Assert.Equal((4, 5), (g.Total, g.PresentRows));
        Assert.Equal([1, 1], g.QueryStarts);
    }

    [Fact]
    public void The_width_of_key_mask_is_the_total() =>
        Assert.Equal(4, Accept(Plain with { KeyMask = [2, 4] }).Total);

    [Fact]
    public void Masks_may_be_wider_when_the_total_is_given() =>
        Assert.Equal(8, Accept(Plain with { KeyMask = [2, 11], Bias = [1, 4, 1, 9] }, total: 8).Total);

    [Fact]
    public void A_packed_query_gives_its_head_size() =>
        Assert.Equal(16, Accept(new([2, 3, 128])).HeadSize);

    [Fact]
    public void Rows_append_at_their_own_past()
    {
        AttentionGeometry g = Accept(Plain with { SeqlensK = [2] }, [7, 4], 8);
        Assert.Equal([5, 2], g.QueryStarts);
        Assert.Equal([8, 5], g.TotalLengths);
    }

    [Fact]
    public void A_first_prompt_starts_at_zero_and_is_padded_on_the_right()
    {
        AttentionGeometry g = Accept(Plain with { SeqlensK = [2] }, [2, -1], 3);
        Assert.Equal([0, 0], g.QueryStarts);
        Assert.Equal([3, 0], g.TotalLengths);
    }

    [Theory]
    [InlineData(6), InlineData(7), InlineData(9)]
    public void Refuses_a_past_that_fits_no_contract(int total) =>
        Refuses("past_key has 5 rows", Plain, total: total);

    [Theory]
    [InlineData(2), InlineData(0), InlineData(-1), InlineData(int.MinValue)]
    public void Refuses_fewer_tokens_in_total_than_new_ones(int total) =>
        Refuses("less than the 3 new tokens", Plain, total: total);

    [Theory]
    [InlineData(-2), InlineData(1), InlineData(8), InlineData(int.MaxValue), InlineData(int.MinValue)]
    public void Refuses_lengths_outside_of_the_cache(int length) =>
        Refuses("seqlens_k[1]", Plain with { SeqlensK = [2] }, [7, length], 8);

    [Fact]
    public void Refuses_a_wrong_number_of_lengths() => Refuses("expected [2]", Plain with { SeqlensK = [1] }, [7]);

    [Fact]
    public void Refuses_a_query_of_wrong_rank() => Refuses("query must have 3 axes", Plain with { Query = [2, 3] });

    [Fact]
    public void Refuses_columns_that_are_not_whole_heads() => Refuses("65 columns", Plain with { Query = [2, 3, 65] });

    [Fact]
    public void Refuses_a_key_without_value() => Refuses("value is missing", Plain with { Value = null });

    [Fact]
    public void Refuses_a_past_key_without_past_value() => Refuses("past_key and past_value", Plain with { PastValue = null });

    [Fact]
    public void Refuses_a_past_of_another_head_size() => Refuses("expected [2, 2, 5, 16]", Plain with { PastKey = [2, 2, 5, 17] });

    [Fact]
    public void Refuses_a_mask_of_another_batch() => Refuses("key_mask is [1, 8]", Plain with { KeyMask = [1, 8] });

    [Fact]
    public void Refuses_a_bias_of_another_head_count() => Refuses("bias is [1, 3, 1, 8]", Plain with { Bias = [1, 3, 1, 8] });

    [Fact]
    public void Refuses_cosines_wider_than_a_head() => Refuses("cos rotates 18", Plain with { Cos = [8, 9], Sin = [8, 9] });

    [Fact]
    public void Refuses_cosines_without_sines() => Refuses("cos and sin", Plain with { Cos = [8, 8] });

    [Fact]
    public void Refuses_more_keys_than_an_index_holds() =>
        Refuses("more than", Plain with { PastKey = [2, 2, int.MaxValue, 16], PastValue = [2, 2, int.MaxValue, 16] });

    [Fact]
    public void Refuses_a_size_beyond_an_int() => Refuses("out of range", Plain with { Query = [1L << 40, 3, 64] });

    [Fact]
    public void Refuses_a_position_outside_of_the_table()
    {
        AttentionGeometry g = Accept(Plain with { Cos = [8, 8], Sin = [8, 8], PositionIds = [1, 3] });
        Assert.Null(g.RefusePositions([0, 7, 3]));
        Assert.Contains("holds 8", g.RefusePositions([0, 8, 3]));
        Assert.Contains("holds -1", g.RefusePositions([0, -1, 3]));
    }

    [Fact]
    public void Refuses_an_implicit_position_outside_of_the_table() =>
        Assert.Contains("Position 7", Accept(Plain with { Cos = [7, 8], Sin = [7, 8] }).RefusePositions([]));

    [Fact]
    public void A_packed_query_holds_value_heads_of_their_own_size()
    {
        AttentionGeometry? g = AttentionGeometry.Derive(Heads with { ValueHeadSize = 8 }, new([2, 3, 112]), [], null, out string? refusal);
        Assert.Null(refusal);
        Assert.Equal((16, 8), (g!.HeadSize, g.ValueHeadSize));
    }

    [Fact]
    public void Refuses_values_of_another_size_than_declared() =>
        Refuses("value is [2, 3, 16]; expected [2, 3, 32]", Plain with { Value = [2, 3, 16] });

    [Fact]
    public void Refuses_slopes_of_another_head_count() => Refuses("slopes is [3]; expected [4]", Plain with { Slopes = [3] });

    /// <summary>B = 2, S = 3, T = 5, D = 16, all keys in past.</summary>
    static readonly AttentionShapes InPast = new([2, 3, 64]) { PastKey = [2, 2, 5, 16], PastValue = [2, 2, 5, 16] };

    static AttentionGeometry? WithoutAppend(AttentionShapes shapes, out string? refusal, int[]? seqlens = null, int? total = null) =>
        AttentionGeometry.Derive(Heads with { Append = false }, shapes, seqlens, total, out refusal);

    [Fact]
    public void Without_append_the_last_query_stands_at_the_last_key()
    {
        AttentionGeometry g = WithoutAppend(InPast, out _)!;
        Assert.Equal((5, 5, false), (g.Total, g.PresentRows, g.Packed));
        Assert.Equal([2, 2], g.QueryStarts);
    }

    [Fact]
    public void Without_append_rows_may_have_fewer_keys_than_queries()
    {
        AttentionGeometry g = WithoutAppend(InPast with { SeqlensK = [2] }, out _, [0, 4])!;
        Assert.Equal([-2, 2], g.QueryStarts);
        Assert.Equal([1, 5], g.TotalLengths);
    }

    [Fact]
    public void Without_append_past_may_be_a_buffer_of_more_rows() =>
        Assert.Equal((4, 5), (WithoutAppend(InPast, out _, total: 4)!.Total, WithoutAppend(InPast, out _, total: 4)!.PresentRows));

    [Fact]
    public void Refuses_new_keys_without_append()
    {
        WithoutAppend(InPast with { Key = [2, 3, 32], Value = [2, 3, 32] }, out string? refusal);
        Assert.Contains("key and value must be absent", refusal);
    }

    [Fact]
    public void Refuses_no_past_without_append()
    {
        WithoutAppend(new([2, 3, 64]), out string? refusal);
        Assert.Contains("past_key and past_value must be given", refusal);
    }

    [Theory]
    [InlineData(6), InlineData(-1), InlineData(int.MinValue), InlineData(int.MaxValue)]
    public void Refuses_a_total_that_past_does_not_hold(int total)
    {
        Assert.Null(WithoutAppend(InPast, out string? refusal, total: total));
        Assert.NotNull(refusal);
    }

    [Theory]
    [InlineData(-2), InlineData(5), InlineData(int.MaxValue), InlineData(int.MinValue)]
    public void Refuses_lengths_that_past_does_not_hold(int length)
    {
        Assert.Null(WithoutAppend(InPast with { SeqlensK = [2] }, out string? refusal, [4, length]));
        Assert.Contains("seqlens_k[1]", refusal);
    }

    [Fact]
    public void Refuses_a_negative_implicit_position()
    {
        AttentionGeometry g = WithoutAppend(InPast with { SeqlensK = [2], Cos = [8, 8], Sin = [8, 8] }, out _, [0, 4])!;
        Assert.Contains("Position -2", g.RefusePositions([]));
    }

    [Fact]
    public void Refuses_value_heads_beyond_an_output_row()
    {
        AttentionGeometry.Derive(Heads with { ValueHeadSize = int.MaxValue }, Plain, [], null, out string? refusal);
        Assert.Contains("more than an output row holds", refusal);
    }

    public static TheoryData<string, AttentionAttributes> Meaningless => new()
    {
        { "num_heads", new(0, 1) },
        { "kv_num_heads", new(4, 0) },
        { "multiple", new(4, 3) },
        { "window must", Heads with { Window = 0 } },
        { "window_right must", Heads with { WindowRight = -2 } },
        { "chunk must", Heads with { Chunk = -1 } },
        { "value_head_size must", Heads with { ValueHeadSize = -1 } },
        { "qk_matmul_output_mode must", Heads with { ProductStage = (ProductStage)4 } },
        { "scale must", Heads with { Scale = float.NaN } },
        { "softcap must", Heads with { Softcap = -1 } },
    };

    [Theory]
    [MemberData(nameof(Meaningless))]
    public void Refuses_attributes_without_a_meaning(string sentence, AttentionAttributes attributes) =>
        Assert.Contains(sentence, attributes.Refusal());
}
