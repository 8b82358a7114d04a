using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ops;
using Xunit;
using static OnnxEff.Tests.CustomOps.AttentionCase;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The rarer forms of attention at one vector width against the scalar reference.</summary>
public abstract class AttentionVariantTests<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    [Theory]
    [MemberData(nameof(AttentionCases.Rules), MemberType = typeof(AttentionCases))]
    public void Agrees_for_every_rule(Mask mask, bool causal, int window, int right, int chunk, int sequence) =>
        AttentionRun.Agrees<TLanes>(new(3, sequence, 130, 4, 2, 16)
        {
            Keys = mask,
            Causal = causal,
            Window = window,
            WindowRight = right,
            Chunk = chunk,
            ChunkFromFirstKey = chunk % 2 == 1,
            Rotates = Rotary.TableImplicit,
            Seed = sequence + 11,
        });

    [Theory]
    [InlineData(16, 8), InlineData(8, 16), InlineData(7, 5), InlineData(64, 20), InlineData(1, 33), InlineData(192, 128), InlineData(40, 1)]
    public void Agrees_for_values_of_another_size(int size, int valueSize)
    {
        foreach (int sequence in new[] { 1, 3, 50 })
            foreach (bool packed in new[] { false, true })
                AttentionRun.Agrees<TLanes>(new(2, sequence, 300, 4, 2, size)
                {
                    ValueHeadSize = valueSize,
                    Packed = packed,
                    Rotates = Rotary.PerToken,
                    Keys = Mask.Holes,
                });
    }

    [Theory]
    [InlineData(1, true, Mask.None), InlineData(3, true, Mask.LeftPadding), InlineData(70, true, Mask.SeqlensLater)]
    [InlineData(1, false, Mask.Holes), InlineData(5, false, Mask.None), InlineData(70, false, Mask.RightPadding)]
    public void Agrees_with_slopes(int sequence, bool causal, Mask mask)
    {
        AttentionCase c = new(2, sequence, 40, 6, 2, 16) { Slopes = true, Causal = causal, Keys = mask };
        AttentionRun.Agrees<TLanes>(c);
        AttentionRun.Agrees<TLanes>(c with { Softcap = 2, Sinks = true, Bias = true });
    }

    [Theory]
    [InlineData(1, 1), InlineData(1, 700), InlineData(5, 3), InlineData(70, 9), InlineData(70, 300), InlineData(3, 0)]
    public void Agrees_where_past_holds_all_keys(int sequence, int keys)
    {
        foreach (Mask mask in new[] { Mask.None, Mask.Holes, Mask.SeqlensLater })
            foreach ((bool causal, int window, int chunk) in new[] { (true, -1, 0), (false, -1, 0), (true, 4, 0), (false, 6, 5) })
                AttentionRun.Agrees<TLanes>(new(2, sequence, keys, 4, 2, 16)
                {
                    Append = false,
                    Spare = mask == Mask.SeqlensLater ? 3 : -1,
                    ValueHeadSize = 24,
                    Keys = mask,
                    Causal = causal,
                    Window = window,
                    Chunk = chunk,
                    Rotates = Rotary.TableByPosition,
                });
    }

    [Theory]
    [InlineData(ProductStage.Scaled), InlineData(ProductStage.Capped), InlineData(ProductStage.Masked), InlineData(ProductStage.Softmax)]
    public void Gives_the_product_at_every_stage(ProductStage stage)
    {
        AttentionCase c = new(2, 5, 9, 4, 2, 40) { Stage = stage, Rotates = Rotary.PerToken, Keys = Mask.LeftPadding };
        AttentionRun.Agrees<TLanes>(c, product: true);
        AttentionRun.Agrees<TLanes>(c with { Softcap = 0.7f, Slopes = true, Sinks = true, Bias = true, Window = 3 }, product: true);
        AttentionRun.Agrees<TLanes>(c with { Sequence = 60, Spare = 4, Keys = Mask.SeqlensLater }, product: true);
        AttentionRun.Agrees<TLanes>(c with { Append = false, ValueHeadSize = 8, Keys = Mask.Holes }, product: true);
    }

    [Theory]
    [InlineData(1, float.NaN), InlineData(40, float.NaN), InlineData(1, float.PositiveInfinity), InlineData(40, float.NegativeInfinity)]
    public void Keeps_what_rules_and_bias_hide_out_of_the_output(int sequence, float poison)
    {
        AttentionCase c = new(1, sequence, 10, 4, 2, 16) { Append = true, Slopes = true, Stage = ProductStage.Softmax };
        var bias = new float[c.Total];
        Array.Fill(bias, float.NegativeInfinity, 0, 5);
        Hides(c, x => x with { Bias = new([1, 1, 1, c.Total], bias) });
        Hides(c with { Chunk = 5 }, x => x);

        void Hides(AttentionCase hidden, Func<BlockMaskedAttention.Inputs, BlockMaskedAttention.Inputs> with)
        {
            BlockMaskedAttention.Inputs clean = with(hidden.Draw());
            BlockMaskedAttention.Inputs dirty = c.WithPast(clean, rows: 5, poison);
            BlockMaskedAttention.Outputs expected = AttentionRun.Kernel<TLanes>(hidden.Attributes, clean, product: true);
            BlockMaskedAttention.Outputs actual = AttentionRun.Kernel<TLanes>(hidden.Attributes, dirty, product: true);
            AttentionRun.Near(expected.Output, actual.Output, 1e-6);
            AttentionRun.Near(expected.Product, actual.Product, 1e-6);
        }
    }

    [Theory]
    [InlineData(3), InlineData(40)]
    public void Gives_zeros_to_queries_before_the_first_key(int sequence)
    {
        AttentionCase c = new(1, sequence, 2, 4, 2, 16) { Append = false, Stage = ProductStage.Softmax };
        BlockMaskedAttention.Outputs actual = AttentionRun.Kernel<TLanes>(c.Attributes, c.Draw(), product: true);
        Assert.All(actual.Output.Data[..((sequence - 2) * 64)], value => Assert.Equal(0, value));
        Assert.All(actual.Product.Data[..((sequence - 2) * 2)], value => Assert.Equal(0, value));
        Assert.Contains(actual.Output.Data, value => value != 0);
    }
}

public sealed class AttentionVariantV128Tests : AttentionVariantTests<V128>;

public sealed class AttentionVariantV256Tests : AttentionVariantTests<V256>;

public sealed class AttentionVariantV512Tests : AttentionVariantTests<V512>;
