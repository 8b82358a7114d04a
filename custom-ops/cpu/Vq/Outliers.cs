using System.Numerics;
using OnnxEff.Formats;
using OnnxEff.Ir;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The single weights that are added to the coded ones: sorted by row, as <see cref="VqTensors.Check"/> has seen.</summary>
readonly unsafe struct Outliers(int[] starts, TensorPointer rows, TensorPointer inputs, TensorPointer values)
{
    const int AtOnce = 64;

    readonly bool _short = rows.Kind == ElementType.UInt16;
    readonly void* _rows = rows.Data, _inputs = inputs.Data;
    readonly Half* _values = (Half*)values.Data;

    /// <summary>y[row - first] += value · x[input] for the outliers of some tiles' rows.</summary>
    public void AddTo<TLanes>(float* y, int first, int count, float* x) where TLanes : unmanaged, ILanes<TLanes>
    {
        Half* last = stackalloc Half[AtOnce];
        float* values = stackalloc float[AtOnce];
        int end = starts[(first + count + VqInputLayout.TileRows - 1) / VqInputLayout.TileRows];
        for (int e = starts[first / VqInputLayout.TileRows]; e < end; e += AtOnce)
        {
            int there = Math.Min(AtOnce, end - e);
            // A register at a time, of which what lies behind the last one is not used: converting one half takes as long.
            Half* halves = _values + e;
            if (e + AtOnce > starts[^1])
            {
                new ReadOnlySpan<Half>(halves, there).CopyTo(new(last, AtOnce));
                halves = last;
            }
            for (int i = 0; i < there; i += TLanes.Count) TLanes.Store(HalfCodec.Load<TLanes>(halves + i), values + i);
            if (_short) Add((ushort*)_rows + e, (ushort*)_inputs + e, values, there, x, y - first);
            else Add((int*)_rows + e, (int*)_inputs + e, values, there, x, y - first);
        }
    }

    /// <summary>Brings the outliers of some tiles on their way.</summary>
    public void Prefetch(int tile, int count)
    {
        int from = starts[tile], there = starts[tile + count] - from, size = _short ? sizeof(ushort) : sizeof(int);
        Cpu.Prefetch.Bytes((byte*)_rows + (nint)from * size, (nint)there * size);
        Cpu.Prefetch.Bytes((byte*)_inputs + (nint)from * size, (nint)there * size);
        Cpu.Prefetch.Bytes(_values + from, (nint)there * sizeof(Half));
    }

    // A row's sum stays in a register: in memory, each would wait for the one before.
    static void Add<TIndex>(TIndex* rows, TIndex* inputs, float* values, int count, float* x, float* y) where TIndex : unmanaged, IBinaryInteger<TIndex>
    {
        for (int e = 0; e < count;)
        {
            TIndex row = rows[e];
            float sum = 0;
            for (; e < count && rows[e] == row; e++) sum += values[e] * x[int.CreateTruncating(inputs[e])];
            y[int.CreateTruncating(row)] += sum;
        }
    }
}
