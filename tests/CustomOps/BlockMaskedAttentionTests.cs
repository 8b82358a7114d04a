using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ir;
using OnnxEff.Ops;
using Xunit;
using static OnnxEff.Tests.CustomOps.AttentionCase;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The kernel of one vector width against the scalar reference.</summary>
public abstract class BlockMaskedAttentionTests<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    static readonly AttentionCase Small = new(2, 5, 9, 4, 2, 16);

    [Theory]
    [MemberData(nameof(AttentionCases.HeadShapes), MemberType = typeof(AttentionCases))]
    public void Agrees_for_every_head_size_and_grouping(int size, int hq, int hkv, int sequence) =>
        Agrees(new(2, sequence, 21, hq, hkv, size) { Rotates = Rotary.PerToken });

    [Theory]
    [InlineData(0, 3), InlineData(0, 0), InlineData(1, 0), InlineData(1, 7), InlineData(1, 8), InlineData(1, 63), InlineData(1, 511), InlineData(1, 512)]
    [InlineData(1, 1300), InlineData(2, 510), InlineData(2, 511), InlineData(23, 0), InlineData(24, 0), InlineData(25, 0), InlineData(47, 80), InlineData(48, 80)]
    [InlineData(49, 80), InlineData(127, 0), InlineData(128, 0), InlineData(129, 1), InlineData(97, 1100)]
    public void Agrees_around_the_edges_of_tiles_and_chunks(int sequence, int past) =>
        Agrees(new(1, sequence, past, 4, 2, 8) { Rotates = Rotary.TableImplicit });

    [Theory]
    [MemberData(nameof(AttentionCases.Masks), MemberType = typeof(AttentionCases))]
    public void Agrees_for_every_mask(Mask mask, bool bias, bool causal, int window, int sequence)
    {
        bool later = mask != Mask.SeqlensFirst;
        Agrees(new(3, sequence, later ? 130 : 0, 4, 2, 16)
        {
            Keys = mask,
            Bias = bias,
            Causal = causal,
            Window = window,
            Rotates = Rotary.TableImplicit,
            Seed = sequence + window + 60,
        });
    }

    [Theory]
    [InlineData(-1, 1), InlineData(0, 1), InlineData(5, 1), InlineData(-1, 40), InlineData(0, 40), InlineData(5, 40)]
    public void Agrees_for_both_cache_contracts(int spare, int sequence) =>
        Agrees(new(2, sequence, 700, 4, 2, 16) { Spare = spare, Rotates = Rotary.PerToken });

    [Theory]
    [InlineData(Mask.LeftPadding, -1), InlineData(Mask.RightPadding, 520), InlineData(Mask.Holes, 700), InlineData(Mask.SeqlensLater, -1)]
    public void Agrees_for_masks_where_keys_are_shared_out(Mask mask, int window) =>
        Agrees(new(3, 1, 1100, 4, 2, 16) { Keys = mask, Window = window, Sinks = true, Rotates = Rotary.TableImplicit });

    [Theory]
    [InlineData(Mask.None), InlineData(Mask.SeqlensLater)]
    public void Writes_only_new_rows_when_past_and_present_are_one_buffer(Mask mask)
    {
        AttentionCase c = Small with { Spare = 4, Keys = mask, Rotates = Rotary.PerToken };
        BlockMaskedAttention.Inputs x = c.Draw();
        BlockMaskedAttention.Outputs expected = BlockMaskedAttention.Reference(c.Attributes, x);
        BlockMaskedAttention.Outputs actual = AttentionRun.Kernel<TLanes>(c.Attributes, x, inPlace: true);
        AttentionGeometry g = AttentionGeometry.Derive(c.Attributes, x.Shapes, x.SeqlensK?.Data, x.TotalSequenceLength, out _)!;
        Assert.True(AttentionRun.Distance(expected.Output, actual.Output) < 1e-5);
        for (int i = 0; i < actual.PresentKey.Data.Length; i++)
        {
            int row = i / g.HeadSize % g.PresentRows, b = i / g.HeadSize / g.PresentRows / g.KvHeads;
            bool written = row >= g.QueryStarts[b] && row < g.QueryStarts[b] + g.Sequence;
            Assert.Equal(written ? expected.PresentKey.Data[i] : x.PastKey!.Data[i], actual.PresentKey.Data[i], 1e-5f);
            Assert.Equal(written ? expected.PresentValue.Data[i] : x.PastValue!.Data[i], actual.PresentValue.Data[i]);
        }
    }

    [Theory]
    [InlineData(1), InlineData(50)]
    public void Agrees_when_the_cache_is_not_asked_for(int sequence)
    {
        AttentionCase c = new(2, sequence, 20, 4, 2, 16) { Rotates = Rotary.PerToken };
        (BlockMaskedAttention.Inputs x, BlockMaskedAttention.Outputs expected) = AttentionCases.Expected(c);
        Near(expected.Output, AttentionRun.Kernel<TLanes>(c.Attributes, x, present: false).Output, 1e-5);
    }

    [Theory]
    [InlineData(Rotary.PerToken, 8, false), InlineData(Rotary.PerToken, 3, true), InlineData(Rotary.TableByPosition, 20, false)]
    [InlineData(Rotary.TableByPosition, 20, true), InlineData(Rotary.TableImplicit, 0, false)]
    public void Agrees_for_every_rotary_form(Rotary rotary, int pairs, bool interleaved)
    {
        Agrees(new(2, 5, 9, 4, 2, 40) { Rotates = rotary, RotaryPairs = pairs, Interleaved = interleaved });
        Agrees(new(2, 50, 9, 4, 2, 40) { Rotates = rotary, RotaryPairs = pairs, Interleaved = interleaved, Seed = 8 });
    }

    [Theory]
    [InlineData(1), InlineData(60)]
    public void Agrees_with_softcap_and_sinks(int sequence) =>
        Agrees(new(2, sequence, 33, 6, 2, 24) { Softcap = 0.7f, Sinks = true, Keys = Mask.LeftPadding });

    [Theory]
    [InlineData(1), InlineData(60)]
    public void Agrees_for_packed_query_key_value(int sequence) =>
        Agrees(new(2, sequence, 33, 6, 2, 24) { Packed = true, Rotates = Rotary.TableImplicit });

    [Theory]
    [InlineData(ElementType.Int64), InlineData(ElementType.Int32), InlineData(ElementType.Bool)]
    public void Reads_every_type_of_key_mask(ElementType maskKind)
    {
        AttentionCase c = Small with { Keys = Mask.Holes };
        BlockMaskedAttention.Inputs x = c.Draw();
        Dense<float> actual = AttentionRun.Kernel<TLanes>(c.Attributes, x, maskKind: maskKind).Output;
        Assert.True(AttentionRun.Distance(BlockMaskedAttention.Reference(c.Attributes, x).Output, actual) < 1e-5);
    }

    [Theory]
    [InlineData(1), InlineData(40)]
    public void Gives_zeros_where_no_key_is_visible(int sequence)
    {
        AttentionCase c = new(1, sequence, 3, 4, 2, 16) { Sinks = true };
        BlockMaskedAttention.Inputs x = c.Draw() with { KeyMask = new([1, c.Total], new long[c.Total]) };
        Assert.All(AttentionRun.Kernel<TLanes>(c.Attributes, x).Output.Data, value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData(1, float.NaN), InlineData(40, float.NaN), InlineData(1, float.PositiveInfinity), InlineData(40, float.NegativeInfinity)]
    public void Keeps_what_lies_in_masked_keys_out_of_the_output(int sequence, float poison)
    {
        AttentionCase c = new(1, sequence, 10, 4, 2, 16) { Keys = Mask.None };
        var mask = new long[c.Total];
        Array.Fill(mask, 1, 5, c.Total - 5);
        BlockMaskedAttention.Inputs clean = c.Draw() with { KeyMask = new([1, c.Total], mask) };
        BlockMaskedAttention.Inputs dirty = c.WithPast(clean, rows: 5, poison);
        Near(AttentionRun.Kernel<TLanes>(c.Attributes, clean).Output, AttentionRun.Kernel<TLanes>(c.Attributes, dirty).Output, 1e-6);
    }

    [Theory]
    [InlineData(float.NaN, float.NaN), InlineData(float.PositiveInfinity, float.PositiveInfinity), InlineData(float.NegativeInfinity, float.NegativeInfinity)]
    public void Shows_what_is_not_finite_in_a_cache_of_half_floats(float stored, float expected)
    {
        AttentionCase c = new(1, 1, 40, 4, 2, 16);
        BlockMaskedAttention.Inputs x = c.Draw();
        float[] values = [.. x.PastValue!.Data], keys = [.. x.PastKey!.Data];
        values[(33 * 16) + 5] = stored; // Of the first head of keys, which the first two of queries share.
        Dense<float> plain = AttentionRun.Kernel<TLanes>(c.Attributes, x, ElementType.Float16).Output;
        Dense<float> shown = AttentionRun.Kernel<TLanes>(c.Attributes, x with { PastValue = new(x.PastValue.Dims, values) }, ElementType.Float16).Output;
        for (int i = 0; i < plain.Data.Length; i++) Assert.Equal(i is 5 or 21 ? expected : plain.Data[i], shown.Data[i], 1e-3f);
        keys[(33 * 16) + 5] = float.NaN;
        shown = AttentionRun.Kernel<TLanes>(c.Attributes, x with { PastKey = new(x.PastKey.Dims, keys) }, ElementType.Float16).Output;
        for (int i = 0; i < plain.Data.Length; i++) Assert.Equal(i < 32 ? float.NaN : plain.Data[i], shown.Data[i], 1e-3f);
    }

    [Theory]
    [InlineData(1), InlineData(60)]
    public void Averages_where_every_bias_is_the_least_float(int sequence)
    {
        AttentionCase c = new(1, sequence, 5, 4, 2, 16) { Causal = false };
        var bias = new float[c.Total];
        Array.Fill(bias, float.MinValue);
        BlockMaskedAttention.Inputs x = c.Draw() with { Bias = new([1, 1, 1, c.Total], bias) };
        Near(BlockMaskedAttention.Reference(c.Attributes, x).Output, AttentionRun.Kernel<TLanes>(c.Attributes, x).Output, 1e-5);
    }

    [Fact]
    public void Keeps_a_later_token_out_of_earlier_ones()
    {
        AttentionCase c = new(1, 60, 0, 4, 2, 16);
        BlockMaskedAttention.Inputs clean = c.Draw();
        float[] values = [.. clean.Value!.Data];
        Array.Fill(values, float.NaN, 59 * 32, 32);
        float[] expected = AttentionRun.Kernel<TLanes>(c.Attributes, clean).Output.Data;
        float[] actual = AttentionRun.Kernel<TLanes>(c.Attributes, clean with { Value = new(clean.Value.Dims, values) }).Output.Data;
        Assert.Equal(expected[..(59 * 64)], actual[..(59 * 64)], (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.All(actual[(59 * 64)..], value => Assert.True(float.IsNaN(value)));
    }

    [Theory]
    [InlineData(1, 1400), InlineData(130, 40), InlineData(30, 1500)]
    public void Gives_the_same_bits_for_any_number_of_threads(int sequence, int past)
    {
        AttentionCase c = new(2, sequence, past, 6, 3, 64) { Rotates = Rotary.PerToken };
        BlockMaskedAttention.Inputs x = c.Draw();
        float[] alone = AttentionRun.Kernel<TLanes>(c.Attributes, x).Output.Data;
        ParallelFor threads = (count, body) => Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = 7 }, body);
        Assert.Equal(alone, AttentionRun.Kernel<TLanes>(c.Attributes, x, parallel: threads).Output.Data);
    }

    static void Agrees(AttentionCase c) => AttentionRun.Agrees<TLanes>(c);

    static void Near(Dense<float> expected, Dense<float> actual, double tolerance) => AttentionRun.Near(expected, actual, tolerance);
}

public sealed class BlockMaskedAttentionV128Tests : BlockMaskedAttentionTests<V128>;

public sealed class BlockMaskedAttentionV256Tests : BlockMaskedAttentionTests<V256>;

public sealed class BlockMaskedAttentionV512Tests : BlockMaskedAttentionTests<V512>;
