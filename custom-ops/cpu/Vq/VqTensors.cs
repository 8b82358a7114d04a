using System.Numerics;
using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The tensors of one <see cref="VqMatMul"/> call as the caller holds them.</summary>
public sealed class VqTensors
{
    /// <summary>input</summary>
    public required TensorPointer Input { get; init; }

    /// <summary>codes</summary>
    public required TensorPointer Codes { get; init; }

    /// <summary>codebook</summary>
    public required TensorPointer Codebook { get; init; }

    /// <summary>column_scale</summary>
    public TensorPointer ColumnScale { get; init; }

    /// <summary>row_scale</summary>
    public TensorPointer RowScale { get; init; }

    /// <summary>permutation</summary>
    public TensorPointer Permutation { get; init; }

    /// <summary>outlier_rows</summary>
    public TensorPointer OutlierRows { get; init; }

    /// <summary>outlier_inputs</summary>
    public TensorPointer OutlierInputs { get; init; }

    /// <summary>outlier_values</summary>
    public TensorPointer OutlierValues { get; init; }

    /// <summary>bias</summary>
    public TensorPointer Bias { get; init; }

    /// <summary>Rows of the input: the product of all its sizes but the last.</summary>
    public int Rows => Input.Rows;

    /// <summary>
    /// Derives and checks everything that can be wrong with the inputs, so that the kernel needs no check. A code cannot be wrong: it has as
    /// many bits as indices of its codebook have.
    /// </summary>
    /// <param name="inputs">The attribute K.</param>
    /// <param name="outputs">The attribute N.</param>
    /// <param name="refusal">Why the inputs cannot be computed, null on success.</param>
    public VqWeight? Check(int inputs, int outputs, out string? refusal)
    {
        VqInputLayout? layout = VqMatMul.Layout(inputs, outputs, new(Input.Dims!, Codes.Dims!, Codebook.Dims!)
        {
            ColumnScale = ColumnScale.Dims,
            RowScale = RowScale.Dims,
            Permutation = Permutation.Dims,
            OutlierRows = OutlierRows.Dims,
            OutlierInputs = OutlierInputs.Dims,
            OutlierValues = OutlierValues.Dims,
            Bias = Bias.Dims,
        }, out refusal);
        if (layout is null) return null;
        refusal = RefuseNumbers("permutation", Permutation, inputs, "input") ?? RefuseNumbers("outlier_rows", OutlierRows, outputs, "output")
            ?? RefuseNumbers("outlier_inputs", OutlierInputs, inputs, "input") ?? RefuseOrder();
        return refusal is null ? VqWeight.Of(layout, Codebook, OutlierRows) : null;
    }

    /// <summary>Brings what a call needs first on its way: each of these tensors would be waited for anew.</summary>
    internal unsafe void Prefetch()
    {
        const int most = 4096; // What follows is read in a row, which processors notice.
        foreach (TensorPointer tensor in (ReadOnlySpan<TensorPointer>)[Codebook, ColumnScale, Permutation, RowScale, OutlierRows, OutlierInputs, OutlierValues, Codes])
            Cpu.Prefetch.Bytes(tensor.Data, (nint)Math.Min(most, tensor.Bytes));
    }

    static string? RefuseNumbers(string name, TensorPointer tensor, int count, string what) => tensor.Dims is null ? null
        : tensor.Kind == ElementType.UInt16 ? RefuseNumbers(name, tensor.Span<ushort>(), (ushort)Math.Min(count - 1, ushort.MaxValue), count, what)
        : RefuseNumbers(name, tensor.Span<int>(), count - 1, count, what);

    static string? RefuseNumbers<T>(string name, ReadOnlySpan<T> numbers, T last, int count, string what) where T : unmanaged, INumber<T> =>
        numbers.IndexOfAnyExceptInRange(T.Zero, last) is >= 0 and var at ? $"{name} holds {numbers[at]}, which is no {what} of {count}." : null;

    string? RefuseOrder() => OutlierRows.Dims is null || (OutlierRows.Kind == ElementType.UInt16 ? IsSorted(OutlierRows.Span<ushort>()) : IsSorted(OutlierRows.Span<int>())) ? null
        : "outlier_rows are not sorted.";

    static bool IsSorted<T>(ReadOnlySpan<T> numbers) where T : unmanaged, INumber<T>
    {
        bool isSorted = true;
        for (int i = 1; i < numbers.Length; i++) isSorted &= numbers[i - 1] <= numbers[i];
        return isSorted;
    }
}
