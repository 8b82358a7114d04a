using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.Tests.CustomOps;

/// <summary>Guarded memory of one call, with what tensors hold.</summary>
sealed unsafe class Arena : IDisposable
{
    readonly List<GuardedMemory> blocks = [];

    public TensorPointer Empty(long[] dims, ElementType kind)
    {
        long count = dims.Aggregate(1L, (a, b) => a * b);
        var block = new GuardedMemory(count * Bytes(kind));
        blocks.Add(block);
        new Span<byte>(block.Pointer, (int)(count * Bytes(kind))).Fill(0xFF); // NaN in every float type.
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
                case ElementType.BFloat16: ((BFloat16*)target.Data)[i] = (BFloat16)Convert.ToSingle(tensor.Data[i]); break;
                case ElementType.Int64: ((long*)target.Data)[i] = Convert.ToInt64(tensor.Data[i]); break;
                case ElementType.Int32: ((int*)target.Data)[i] = Convert.ToInt32(tensor.Data[i]); break;
                default: ((byte*)target.Data)[i] = Convert.ToByte(tensor.Data[i]); break;
            }
        return target;
    }

    public TensorPointer Copy(Tensor? tensor)
    {
        if (tensor is null) return default;
        TensorPointer target = Empty(tensor.Dims.ToArray(), tensor.Element);
        tensor.Data.Span.CopyTo(new(target.Data, (int)tensor.Data.Length));
        return target;
    }

    public static Dense<T> Copy<T>(TensorPointer tensor) where T : unmanaged => new(tensor.Dims!, tensor.Span<T>().ToArray());

    public static Dense<float> Read(TensorPointer tensor)
    {
        var data = new float[tensor.Dims!.Aggregate(1L, (a, b) => a * b)];
        for (int i = 0; i < data.Length; i++)
            data[i] = tensor.Kind switch
            {
                ElementType.Float32 => ((float*)tensor.Data)[i],
                ElementType.Float16 => (float)((Half*)tensor.Data)[i],
                _ => (float)((BFloat16*)tensor.Data)[i],
            };
        return new(tensor.Dims!, data);
    }

    public void Dispose() => blocks.ForEach(b => b.Dispose());

    static int Bytes(ElementType kind) => kind switch
    {
        ElementType.Float32 or ElementType.Int32 => 4,
        ElementType.Int64 => 8,
        ElementType.Float16 or ElementType.BFloat16 or ElementType.UInt16 => 2,
        _ => 1,
    };
}
