using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ops;
using Xunit;
using static OnnxEff.Tests.CustomOps.AttentionCase;

namespace OnnxEff.Tests.CustomOps;

/// <summary>Attention by a plan against the scalar reference.</summary>
public abstract class PlannedAttentionTests<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    [Theory]
    [InlineData(1, 0, 4, 2), InlineData(1, 300, 4, 2), InlineData(5, 200, 4, 2), InlineData(30, 0, 4, 4), InlineData(64, 1, 4, 1), InlineData(130, 100, 8, 2), InlineData(97, 40, 5, 1)]
    public void Agrees_for_every_kind_of_mask(int sequence, int past, int heads, int kvHeads)
    {
        var mask = new PlanCase(2, sequence, past + sequence) { Attributes = new() { BlockQ = 48 }, Seed = sequence };
        foreach (var plan in new[]
        {
            mask with { Attributes = new() { BlockQ = 16, Causal = true, Window = 40 } }, mask with { Documents = 60 }, mask with { Prefix = true, Attributes = new() { Causal = true, BlockQ = 200 } },
            mask with { Tree = true }, mask with { Globals = true, Attributes = new() { Causal = true, Window = 30 } }, mask with { Padding = true },
            mask with { MaskHeads = kvHeads }, mask with { MaskHeads = 1, Documents = 90, Padding = true },
        })
            Agrees(new(2, sequence, past, heads, kvHeads, 16) { Plan = plan, Causal = sequence % 2 == 0, Rotates = Rotary.PerToken, Seed = sequence });
    }

    [Theory]
    [InlineData(1), InlineData(70)]
    public void Agrees_with_everything_else_that_hides_or_adds(int sequence) => Agrees(new(2, sequence, 150, 4, 2, 24)
    {
        Plan = new(2, sequence, 150 + sequence) { Documents = 70, MaskHeads = 2, Attributes = new() { BlockQ = 32 } },
        Keys = Mask.Holes,
        Bias = true,
        Slopes = true,
        Sinks = true,
        Softcap = 0.9f,
        Window = 100,
        Spare = 3,
    });

    [Theory]
    [InlineData(2), InlineData(60)]
    public void Shows_the_product_that_it_masked(int sequence) => AttentionRun.Agrees<TLanes>(new(1, sequence, 20, 4, 2, 16)
    {
        Plan = new(1, sequence, 20 + sequence) { MaskHeads = 2 },
        Stage = ProductStage.Softmax,
    }, product: true);

    [Theory]
    [InlineData(1, float.NaN), InlineData(60, float.NaN), InlineData(1, float.PositiveInfinity), InlineData(60, float.NegativeInfinity)]
    public void Keeps_what_lies_in_hidden_keys_out_of_the_output(int sequence, float poison)
    {
        var padded = new long[100 + sequence];
        Array.Fill(padded, 1, 70, padded.Length - 70);
        AttentionCase c = new(1, sequence, 100, 4, 2, 16);
        BlockMaskedAttention.Inputs clean = c.Draw() with { Plan = BlockMaskPlan.Reference(new(), new(1, sequence, 100 + sequence) { KeyMask = new([1, padded.Length], padded) }) };
        BlockMaskedAttention.Inputs dirty = c.WithPast(clean, rows: 70, poison);
        AttentionRun.Near(AttentionRun.Kernel<TLanes>(c.Attributes, clean).Output, AttentionRun.Kernel<TLanes>(c.Attributes, dirty).Output, 1e-6);
    }

    [Theory]
    [InlineData(1), InlineData(60)]
    public void Gives_zeros_where_the_plan_is_empty(int sequence)
    {
        AttentionCase c = new(1, sequence, 3, 4, 2, 16) { Sinks = true };
        var nothing = BlockMaskPlan.Reference(new(), new(1, sequence, c.Total) { KeyMask = new([1, c.Total], new long[c.Total]) });
        Assert.All(AttentionRun.Kernel<TLanes>(c.Attributes, c.Draw() with { Plan = nothing }).Output.Data, value => Assert.Equal(0, value));
    }

    [Fact]
    public void Gives_the_same_bits_for_any_number_of_threads()
    {
        AttentionCase c = new(2, 300, 40, 6, 3, 64) { Plan = new(2, 300, 340) { Documents = 100, MaskHeads = 3, Attributes = new() { BlockQ = 48 } } };
        BlockMaskedAttention.Inputs x = c.Draw();
        ParallelFor threads = (count, body) => Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = 7 }, body);
        Assert.Equal(AttentionRun.Kernel<TLanes>(c.Attributes, x).Output.Data, AttentionRun.Kernel<TLanes>(c.Attributes, x, parallel: threads).Output.Data);
    }

    static void Agrees(AttentionCase c) => AttentionRun.Agrees<TLanes>(c);
}

public sealed class PlannedAttentionV128Tests : PlannedAttentionTests<V128>;

public sealed class PlannedAttentionV256Tests : PlannedAttentionTests<V256>;

public sealed class PlannedAttentionV512Tests : PlannedAttentionTests<V512>;

/// <summary>Plans whose numbers lead out of memory are refused.</summary>
public class HostilePlanTests
{
    static readonly TilePlan Right = BlockMaskPlan.Reference(new() { Causal = true, BlockQ = 4 }, new(1, 10, 100));

    [Theory]
    [InlineData(0, -1), InlineData(1, 1000), InlineData(2, int.MinValue), InlineData(3, int.MaxValue), InlineData(3, 1)]
    public void Splits_that_do_not_rise_inside_of_the_tiles_are_refused(int at, int value)
    {
        int[] splits = [.. Right.Splits.Data];
        splits[at] = value;
        Assert.StartsWith("plan_splits holds", Refusal(Right with { Splits = Right.Splits with { Data = splits } }));
    }

    [Theory]
    [InlineData(0, -1), InlineData(0, 2), InlineData(1, -2), InlineData(1, 99), InlineData(0, int.MaxValue)]
    public void Tiles_outside_of_keys_or_bits_are_refused(int at, int value)
    {
        int[] tiles = [.. Right.Tiles.Data];
        tiles[at] = value;
        Assert.StartsWith("plan_tiles holds", Refusal(Right with { Tiles = Right.Tiles with { Data = tiles } }));
    }

    [Theory]
    [InlineData(10, 100, null, "plan_splits is [1, 1, 4]; expected")]
    [InlineData(9, 100, 5, "A plan is for queries that are the last")]
    public void Sizes_of_another_call_are_refused(int sequence, int total, int? length, string sentence)
    {
        var plan = sequence == 10 ? Right with { Bits = new([0, 2], []) } : Right;
        AttentionCase c = new(1, sequence, total - sequence, 2, 1, 8);
        var x = c.Draw() with { Plan = plan };
        if (length is { } keys) x = x with { SeqlensK = new([1], [keys + sequence]), TotalSequenceLength = total };
        Assert.Null(AttentionGeometry.Derive(c.Attributes, x.Shapes, x.SeqlensK?.Data, x.TotalSequenceLength, out string? refusal));
        Assert.StartsWith(sentence, refusal);
    }

    static string? Refusal(TilePlan plan) => TilePlan.Refusal(plan.Splits.Data, (int)plan.Splits.Dims[2] - 1, plan.Tiles.Data, 100, plan.Bits.Dims[0]);
}
