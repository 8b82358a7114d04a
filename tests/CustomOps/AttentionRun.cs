using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ir;
using OnnxEff.Ops;
using Xunit;

namespace OnnxEff.Tests.CustomOps;

/// <summary>Runs the kernel on guarded memory and gives its outputs as floats.</summary>
static unsafe class AttentionRun
{
    public static void EveryIndex(int count, Action<int> body)
    {
        for (int i = 0; i < count; i++) body(i);
    }

    /// <summary>Runs a call.</summary>
    /// <param name="attributes">Attributes.</param>
    /// <param name="x">Inputs, rounded to the kind.</param>
    /// <param name="kind">Storage of every T.</param>
    /// <param name="maskKind">Storage of key_mask.</param>
    /// <param name="inPlace">One buffer for past and present.</param>
    /// <param name="present">Ask for the cache.</param>
    /// <param name="product">Ask for qk_matmul_output.</param>
    /// <param name="parallel">Threads.</param>
    public static BlockMaskedAttention.Outputs Kernel<TLanes>(
        AttentionAttributes attributes, BlockMaskedAttention.Inputs x, ElementType kind = ElementType.Float32,
        ElementType maskKind = ElementType.Int64, bool inPlace = false, bool present = true, bool product = false, ParallelFor? parallel = null)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        using var memory = new Arena();
        var tensors = new AttentionTensors
        {
            Query = memory.Put(x.Query, kind),
            Key = memory.Put(x.Key, kind),
            Value = memory.Put(x.Value, kind),
            PastKey = memory.Put(x.PastKey, kind),
            PastValue = memory.Put(x.PastValue, kind),
            KeyMask = memory.Put(x.KeyMask, maskKind),
            SeqlensK = memory.Put(x.SeqlensK, ElementType.Int32),
            TotalSequenceLength = memory.Put(x.TotalSequenceLength is { } t ? new Dense<int>([], [t]) : null, ElementType.Int32),
            PositionIds = memory.Put(x.PositionIds, ElementType.Int64),
            Cos = memory.Put(x.Cos, kind),
            Sin = memory.Put(x.Sin, kind),
            Bias = memory.Put(x.Bias, kind),
            Sinks = memory.Put(x.Sinks, kind),
            Slopes = memory.Put(x.Slopes, kind),
            PlanSplits = memory.Put(x.Plan?.Splits, ElementType.Int32),
            PlanTiles = memory.Put(x.Plan?.Tiles, ElementType.Int32),
            PlanBits = memory.Put(x.Plan?.Bits, ElementType.Int64),
        };
        AttentionGeometry? g = tensors.Check(attributes, out string? refusal);
        Assert.Null(refusal);
        long[] keys = [g!.Batch, g.KvHeads, g.PresentRows, g.HeadSize], values = [g.Batch, g.KvHeads, g.PresentRows, g.ValueHeadSize];
        TensorPointer output = memory.Empty([g.Batch, g.Sequence, g.QueryHeads * g.ValueHeadSize], kind);
        TensorPointer key = inPlace || !g.Append ? tensors.PastKey : memory.Empty(keys, kind);
        TensorPointer value = inPlace || !g.Append ? tensors.PastValue : memory.Empty(values, kind);
        TensorPointer stage = memory.Empty([g.Batch, g.QueryHeads, g.Sequence, g.Total], kind);
        bool cache = present && g.Append;
        var results = new AttentionResults(output.Data, cache ? key.Data : null, cache ? value.Data : null, product ? stage.Data : null);
        BlockMaskedAttentionKernel.Run<TLanes>(attributes, g, tensors, results, parallel ?? EveryIndex);
        return new(Arena.Read(output), Arena.Read(key), Arena.Read(value), Arena.Read(stage));
    }

    /// <summary>Asserts that the kernel agrees with the reference in every storage.</summary>
    public static void Agrees<TLanes>(AttentionCase c, bool product = false) where TLanes : unmanaged, ILanes<TLanes>
    {
        (BlockMaskedAttention.Inputs x, BlockMaskedAttention.Outputs expected) = AttentionCases.Expected(c);
        // What is computed is rounded once or twice to 11 bits of a half, to 8 of a bfloat16.
        foreach ((ElementType kind, double computed, double stored) in new[]
            { (ElementType.Float32, 1e-5, 1e-6), (ElementType.Float16, 4e-3, 2e-3), (ElementType.BFloat16, 3.2e-2, 1.6e-2) })
        {
            BlockMaskedAttention.Outputs actual = Kernel<TLanes>(c.Attributes, x, kind, product: product);
            Near(expected.Output, actual.Output, computed);
            Near(expected.PresentKey, actual.PresentKey, stored);
            Assert.Equal(expected.PresentValue.Data, actual.PresentValue.Data);
            if (product) Near(expected.Product, actual.Product, computed * Math.Max(1, Largest(expected.Product)));
        }
    }

    /// <summary>Asserts that two tensors are close.</summary>
    public static void Near(Dense<float> expected, Dense<float> actual, double tolerance)
    {
        double distance = Distance(expected, actual);
        Assert.True(distance < tolerance, $"{distance} off, more than {tolerance}.");
    }

    static double Largest(Dense<float> x) => x.Data.Where(float.IsFinite).Select(MathF.Abs).DefaultIfEmpty().Max();

    /// <summary>Largest distance of two tensors; any NaN or size difference is infinite.</summary>
    public static double Distance(Dense<float> a, Dense<float> b)
    {
        if (!a.Dims.SequenceEqual(b.Dims)) return double.PositiveInfinity;
        double worst = 0;
        for (int i = 0; i < a.Data.Length; i++)
        {
            if (float.IsInfinity(a.Data[i]) && a.Data[i] == b.Data[i]) continue;
            double d = Math.Abs((double)a.Data[i] - b.Data[i]);
            worst = double.IsNaN(d) ? double.PositiveInfinity : Math.Max(worst, d);
        }
        return worst;
    }
}
