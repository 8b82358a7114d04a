using OnnxEff.Ir;

namespace OnnxEff.Formats;

/// <summary>Brings the tensors of one layer of a checkpoint, each checked for its type and shape, into one form.</summary>
/// <param name="layer">The layer's name.</param>
/// <param name="config">How it is stored.</param>
/// <param name="tensors">All tensors of the checkpoint.</param>
sealed class VptqLayerReader(string layer, VptqLayerConfig config, IReadOnlyDictionary<string, Tensor> tensors)
{
    static readonly ElementType[] Floats = [ElementType.Float16, ElementType.BFloat16, ElementType.Float32];

    readonly VptqLayout _layout = config.Layout;

    /// <summary>The layer.</summary>
    /// <exception cref="InvalidDataException">A tensor is absent, or not of the type and shape that follow from the configuration.</exception>
    public VptqCodes Read()
    {
        var (groups, v, outliers) = (_layout.Groups, _layout.VectorLength, _layout.OutlierColumns > 0);
        return new(_layout, config.IsPacked ? Require("indices", [ElementType.Int32], groups, _layout.Vectors, _layout.RowWords) : Pack(),
            Require("centroids.weight", Floats, groups, (long)_layout.Centroids * v).Reshape(groups, _layout.Centroids, v))
        {
            ResidualCodebook = _layout.ResidualCentroids == 0 ? null
                : Require("res_centroids.weight", Floats, groups, (long)_layout.ResidualCentroids * v).Reshape(groups, _layout.ResidualCentroids, v),
            OutlierCodes = outliers ? Unsigned(Require("outlier_indices", Words, 1, _layout.OutlierVectors, _layout.OutlierColumns).Reshape(_layout.OutlierVectors, _layout.OutlierColumns)) : null,
            OutlierCodebook = outliers ? Require("outlier_centroids.weight", Floats, 1, (long)_layout.OutlierCentroids * _layout.OutlierVectorLength)
                .Reshape(_layout.OutlierCentroids, _layout.OutlierVectorLength) : null,
            Permutation = config.IsPermuted ? Permutation() : null,
            Scale = config.HasScale ? Require("weight_scale", Floats, _layout.Inputs) : null,
            Offset = config.HasScale ? Require("weight_bias", Floats, _layout.Inputs) : null,
            Bias = tensors.ContainsKey($"{layer}.bias") ? Require("bias", Floats, _layout.Outputs) : null,
        };
    }

    // Uint16, under the name of another type of 16 bits.
    ElementType[] Words => config.HasIndicesAsFloat ? [ElementType.Float16, ElementType.Int16, ElementType.UInt16] : [ElementType.Int16, ElementType.UInt16];

    Tensor Pack()
    {
        long[] shape = [_layout.Groups, _layout.Vectors, _layout.GroupSize];
        var main = Unsigned(Require("indices", Words, shape)).As<ushort>();
        var residual = _layout.ResidualCentroids == 0 ? default : Unsigned(Require("res_indices", Words, shape)).As<ushort>();
        RefuseOutside(main, _layout.Centroids);
        RefuseOutside(residual, _layout.ResidualCentroids);
        var words = new int[(long)_layout.Groups * _layout.Vectors * _layout.RowWords];
        for (int row = 0, at = 0; row < _layout.Groups * _layout.Vectors; row++)
            for (var c = 0; c < _layout.GroupSize; c++, at++)
            {
                var code = main[at] | (residual.IsEmpty ? 0u : (uint)residual[at] << _layout.MainBits);
                PackedIndices.Write(words.AsSpan(row * _layout.RowWords, _layout.RowWords), c, _layout.CodeBits, code);
            }
        return Tensor.Create<int>([_layout.Groups, _layout.Vectors, _layout.RowWords], words);
    }

    void RefuseOutside(ReadOnlySpan<ushort> indices, int centroids)
    {
        if (centroids > 0 && indices.IndexOfAnyExceptInRange((ushort)0, (ushort)(centroids - 1)) is >= 0 and var at)
            throw Fault($"index {indices[at]} is outside of a codebook of {centroids}");
    }

    Tensor Permutation()
    {
        var stored = Require("perm", [ElementType.Int16, ElementType.UInt16, ElementType.Int64], _layout.Inputs);
        var columns = stored.Element == ElementType.Int64 ? stored.As<long>().ToArray() : Array.ConvertAll(Unsigned(stored).As<ushort>().ToArray(), c => (long)c);
        return Tensor.Vector<int>(Array.ConvertAll(columns, c => c is >= 0 and <= int.MaxValue ? (int)c : throw Fault($"the permutation names column {c} of {_layout.Inputs}")));
    }

    Tensor Require(string part, ElementType[] elements, params long[] shape)
    {
        if (!tensors.TryGetValue($"{layer}.{part}", out var tensor)) throw Fault($"{part} is absent");
        if (!elements.Contains(tensor.Element)) throw Fault($"{part} has the type {tensor.Element}, not {string.Join(" or ", elements)}");
        return tensor.Dims.SequenceEqual(shape) ? tensor : throw Fault($"{part} is [{string.Join(", ", tensor.Dims.ToArray())}], not [{string.Join(", ", shape)}]");
    }

    static Tensor Unsigned(Tensor words) => new(ElementType.UInt16, words.Dims, words.Data);

    InvalidDataException Fault(string what) => new($"Layer '{layer}': {what}.");
}
