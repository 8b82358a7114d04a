namespace OnnxEff.Ops;

/// <summary>A tensor of the scalar references: row-major data with its sizes.</summary>
/// <param name="Dims">Sizes, slowest axis first.</param>
/// <param name="Data">As many elements as the sizes say.</param>
public sealed record Dense<T>(long[] Dims, T[] Data)
{
    /// <summary>The element at a full index; an axis of size one is repeated for any index.</summary>
    public T this[params ReadOnlySpan<long> index]
    {
        get
        {
            long at = 0;
            for (int axis = 0; axis < Dims.Length; axis++)
                at = at * Dims[axis] + (Dims[axis] == 1 ? 0 : index[axis]);
            return Data[at];
        }
    }
}
