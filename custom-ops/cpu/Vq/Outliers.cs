using OnnxEff.Ir;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The single weights that are added to the coded ones: sorted by row, as <see cref="VqTensors.Check"/> has seen.</summary>
readonly unsafe struct Outliers(TensorPointer rows, TensorPointer inputs, TensorPointer values)
{
    readonly bool _short = rows.Kind == ElementType.UInt16;
    readonly int _count = rows.Dims is [var count] ? (int)count : 0;
    readonly void* _rows = rows.Data, _inputs = inputs.Data;
    readonly Half* _values = (Half*)values.Data;

    /// <summary>y[row - first] += value · x[input] for outliers of some rows.</summary>
    public void AddTo(float* y, int first, int count, float* x)
    {
        for (int e = FirstOf(first); e < _count && RowOf(e) - first < count; e++)
            y[RowOf(e) - first] += (float)_values[e] * x[_short ? ((ushort*)_inputs)[e] : ((int*)_inputs)[e]];
    }

    int RowOf(int outlier) => _short ? ((ushort*)_rows)[outlier] : ((int*)_rows)[outlier];

    int FirstOf(int row)
    {
        int from = 0, to = _count;
        while (from < to)
        {
            int middle = (int)(((uint)from + (uint)to) / 2);
            if (RowOf(middle) < row) from = middle + 1;
            else to = middle;
        }
        return from;
    }
}
