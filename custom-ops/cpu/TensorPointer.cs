using OnnxEff.Ir;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>A tensor in memory of the caller, row-major; <see cref="Dims"/> is null for an absent one.</summary>
public readonly unsafe struct TensorPointer(void* data, long[]? dims, ElementType kind)
{
    /// <summary>The first element.</summary>
    public void* Data => data;

    /// <summary>Sizes, slowest axis first.</summary>
    public long[]? Dims => dims;

    /// <summary>Type of the elements.</summary>
    public ElementType Kind => kind;

    /// <summary>The product of all sizes but the last.</summary>
    public int Rows
    {
        get
        {
            int rows = 1;
            for (int i = 0; i + 1 < dims!.Length; i++) rows = checked(rows * (int)dims[i]);
            return rows;
        }
    }

    /// <summary>Bytes of all elements; 0 of an absent tensor.</summary>
    public long Bytes
    {
        get
        {
            if (dims is null) return 0;
            long count = 1;
            foreach (long size in dims) count = checked(count * size);
            return kind.ByteLength(count);
        }
    }

    /// <summary>True where an integer or a truth value is not 0.</summary>
    public bool IsSet(long at) => kind switch
    {
        ElementType.Int64 => ((long*)data)[at] != 0,
        ElementType.Int32 => ((int*)data)[at] != 0,
        _ => ((byte*)data)[at] != 0,
    };

    /// <summary>The elements; none of an absent tensor.</summary>
    public ReadOnlySpan<T> Span<T>() where T : unmanaged =>
        dims is null ? default : new(data, checked((int)dims.Aggregate(1L, (a, b) => checked(a * b))));
}
