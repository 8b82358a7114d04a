using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ir;
using OnnxEff.Ops;
using Xunit;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The kernel against the scalar reference, and the attention that reads what it made.</summary>
public unsafe class BlockMaskPlanTests
{
    static readonly PlanAttributes Causal = new() { Causal = true, BlockQ = 48 };

    /// <summary>Rules alone and together, on sizes around those of tiles.</summary>
    public static TheoryData<PlanCase> Cases
    {
        get
        {
            var data = new TheoryData<PlanCase>();
            foreach (var (sequence, total) in new[] { (1, 1), (1, 64), (1, 200), (48, 48), (49, 63), (47, 130), (96, 128), (130, 257), (0, 5), (0, 0) })
            {
                var all = new PlanCase(2, sequence, total) { Attributes = Causal, Seed = total };
                data.AddRange(all, all with { Attributes = new() { BlockQ = 7 } }, all with { Attributes = Causal with { Window = 20 } },
                    all with { Attributes = new() { Window = 9, WindowRight = 70, BlockQ = 16 } }, all with { Attributes = Causal with { Chunk = 32 } },
                    all with { Documents = 50 }, all with { Documents = -3, Attributes = new() }, all with { Prefix = true }, all with { Tree = true, Attributes = new() { BlockQ = 32 } },
                    all with { Globals = true, Attributes = Causal with { Window = 30 } }, all with { Padding = true },
                    all with { MaskHeads = 2, Attributes = new() }, all with { MaskHeads = 1, MaskIsRow = true },
                    all with { MaskHeads = 2, Documents = 80, Prefix = true, Tree = true, Globals = true, Padding = true, Attributes = Causal with { Window = 100 } });
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Agrees_with_the_reference(PlanCase c)
    {
        var x = c.Draw();
        var expected = BlockMaskPlan.Reference(c.Attributes, x);
        foreach (var kind in x.Mask is null ? [ElementType.Bool] : new[] { ElementType.Bool, ElementType.Float32, ElementType.Float16, ElementType.BFloat16 })
            AssertSame(expected, Run(c.Attributes, x, kind));
    }

    [Fact]
    public void Gives_the_same_for_any_number_of_threads()
    {
        var c = new PlanCase(3, 500, 700) { Attributes = Causal, Documents = 90, Globals = true };
        AssertSame(Run(c.Attributes, c.Draw()), Run(c.Attributes, c.Draw(), parallel: (count, body) => Parallel.For(0, count, body)));
    }

    [Fact]
    public void Two_separated_runs_of_full_tiles_stay_two()
    {
        var mask = new float[8 * 640];
        Array.Fill(mask, float.NegativeInfinity);
        foreach (int first in (int[])[64, 384])
            for (int row = 0; row < 8; row++) Array.Fill(mask, 0, row * 640 + first, 128);
        var plan = Run(new() { BlockQ = 8 }, new(1, 8, 640) { Mask = new([1, 1, 8, 640], mask) });
        Assert.Equal([0, 4], plan.Splits.Data);
        Assert.Equal([1, -1, 2, -1, 6, -1, 7, -1], plan.Tiles.Data);
        Assert.Empty(plan.Bits.Data);
    }

    [Theory]
    [InlineData(5, "extent must hold")]
    [InlineData(-7, "extent must hold")]
    public void Refuses_sizes_that_contradict_each_other(long sequence, string sentence)
    {
        Assert.Null(PlanGeometry.Derive(new(), new([1, sequence, 4]), out string? refusal));
        Assert.StartsWith(sentence, refusal);
    }

    [Theory]
    [InlineData(new long[] { -1, 1, 0 })]
    [InlineData(new long[] { -2, 0, 1 })]
    [InlineData(new long[] { -1, 0, 77 })]
    public void Refuses_parents_that_come_later(long[] parents)
    {
        PlanGeometry g = PlanGeometry.Derive(new(), new([1, 3, 4]) { Parents = [1, 3] }, out _)!;
        Assert.Contains("a parent is -1 or an earlier token", g.RefuseParents(parents));
    }

    internal static TilePlan Run(PlanAttributes attributes, BlockMaskPlan.Inputs x, ElementType maskKind = ElementType.Bool, ParallelFor? parallel = null)
    {
        using var memory = new Arena();
        // Truth values instead of numbers.
        var mask = x.Mask is null || maskKind != ElementType.Bool ? x.Mask : new Dense<float>(x.Mask.Dims, Array.ConvertAll(x.Mask.Data, v => v <= BlockMaskPlan.Hides ? 0f : 1f));
        var tensors = new PlanTensors
        {
            Extent = memory.Put(new Dense<long>([3], [x.Batch, x.Sequence, x.Total]), ElementType.Int64),
            Mask = memory.Put(mask, maskKind),
            KeyMask = memory.Put(x.KeyMask, ElementType.Int32),
            DocumentIds = memory.Put(x.DocumentIds, ElementType.Int64),
            PrefixLengths = memory.Put(x.PrefixLengths, ElementType.Int64),
            Parents = memory.Put(x.Parents, ElementType.Int64),
            GlobalKeys = memory.Put(x.GlobalKeys, ElementType.Bool),
        };
        var geometry = tensors.Check(attributes, out string? refusal);
        Assert.Null(refusal);
        var plan = BlockMaskPlanKernel.Run(attributes, geometry!, tensors, parallel);
        var (splits, tiles, bits) = (memory.Empty(plan.SplitsDims, ElementType.Int32), memory.Empty(plan.TilesDims, ElementType.Int32), memory.Empty(plan.BitsDims, ElementType.Int64));
        plan.Write((int*)splits.Data, (int*)tiles.Data, (long*)bits.Data);
        return new(Arena.Copy<int>(splits), Arena.Copy<int>(tiles), Arena.Copy<long>(bits));
    }

    static void AssertSame(TilePlan expected, TilePlan actual)
    {
        AssertSame(expected.Splits, actual.Splits);
        AssertSame(expected.Tiles, actual.Tiles);
        AssertSame(expected.Bits, actual.Bits);
    }

    static void AssertSame<T>(Dense<T> expected, Dense<T> actual)
    {
        Assert.Equal(expected.Dims, actual.Dims);
        Assert.Equal(expected.Data, actual.Data);
    }
}
