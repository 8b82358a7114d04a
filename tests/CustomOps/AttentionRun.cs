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
    /// <param name="parallel">Threads.</param>
    public static BlockMaskedAttention.Outputs Kernel<TLanes>(
        AttentionAttributes attributes, BlockMaskedAttention.Inputs x, ElementType kind = ElementType.Float32,
        ElementType maskKind = ElementType.Int64, bool inPlace = false, bool present = true, ParallelFor? parallel = null)
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
        };
        AttentionGeometry? g = tensors.Check(attributes, out string? refusal);
        Assert.Null(refusal);
        long[] dims = [g!.Batch, g.Sequence, g.QueryHeads * g.HeadSize], cache = [g.Batch, g.KvHeads, g.PresentRows, g.HeadSize];
        TensorPointer output = memory.Empty(dims, kind);
        TensorPointer key = inPlace ? tensors.PastKey : memory.Empty(cache, kind), value = inPlace ? tensors.PastValue : memory.Empty(cache, kind);
        var results = new AttentionResults(output.Data, present ? key.Data : null, present ? value.Data : null);
        BlockMaskedAttentionKernel.Run<TLanes>(attributes, g, tensors, results, parallel ?? EveryIndex);
        return new(Arena.Read(output), Arena.Read(key), Arena.Read(value));
    }

    /// <summary>Largest distance of two tensors; any NaN or size difference is infinite.</summary>
    public static double Distance(Dense<float> a, Dense<float> b)
    {
        if (!a.Dims.SequenceEqual(b.Dims)) return double.PositiveInfinity;
        double worst = 0;
        for (int i = 0; i < a.Data.Length; i++)
        {
            double d = Math.Abs((double)a.Data[i] - b.Data[i]);
            worst = double.IsNaN(d) ? double.PositiveInfinity : Math.Max(worst, d);
        }
        return worst;
    }

    sealed class Arena : IDisposable
    {
        readonly List<GuardedMemory> blocks = [];

        public TensorPointer Empty(long[] dims, ElementType kind)
        {
            long count = dims.Aggregate(1L, (a, b) => a * b);
            var block = new GuardedMemory(count * Bytes(kind));
            blocks.Add(block);
            new Span<byte>(block.Pointer, (int)(count * Bytes(kind))).Fill(0xFF); // NaN in both float types.
            return new TensorPointer(block.Pointer, dims, kind);
        }

        public TensorPointer Put<T>(Dense<T>? tensor, ElementType kind) where T : IConvertible
        {
            if (tensor is null) return default;
            TensorPointer target = Empty(tensor.Dims, kind);
            for (int i = 0; i < tensor.Data.Length; i++)
                switch (kind)
                {
                    case ElementType.Float32: ((float*)target.Data)[i] = Convert.ToSingle(tensor.Data[i]); break;
                    case ElementType.Float16: ((Half*)target.Data)[i] = (Half)Convert.ToSingle(tensor.Data[i]); break;
                    case ElementType.Int64: ((long*)target.Data)[i] = Convert.ToInt64(tensor.Data[i]); break;
                    case ElementType.Int32: ((int*)target.Data)[i] = Convert.ToInt32(tensor.Data[i]); break;
                    default: ((byte*)target.Data)[i] = Convert.ToByte(tensor.Data[i]); break;
                }
            return target;
        }

        public static Dense<float> Read(TensorPointer tensor)
        {
            var data = new float[tensor.Dims!.Aggregate(1L, (a, b) => a * b)];
            for (int i = 0; i < data.Length; i++)
                data[i] = tensor.Kind == ElementType.Float32 ? ((float*)tensor.Data)[i] : (float)((Half*)tensor.Data)[i];
            return new(tensor.Dims!, data);
        }

        public void Dispose() => blocks.ForEach(b => b.Dispose());

        static int Bytes(ElementType kind) => kind switch
        {
            ElementType.Float32 or ElementType.Int32 => 4,
            ElementType.Int64 => 8,
            ElementType.Float16 => 2,
            _ => 1,
        };
    }
}
