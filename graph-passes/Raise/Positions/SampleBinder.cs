using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>Makes a graph's inputs for a sample, and the values that its symbolic dimensions then have.</summary>
sealed class SampleBinder
{
    /// <summary>What an axis that is none of batch, new, past or total gets if the graph leaves it open.</summary>
    const long OpenAxis = 8;

    readonly TokenInputs _tokens;
    readonly PositionSample _sample;
    readonly Dictionary<string, long> _symbols = [];
    readonly Dictionary<string, long[]> _dims = [];

    public SampleBinder(TokenInputs tokens, PositionSample sample)
    {
        (_tokens, _sample) = (tokens, sample);
        Bind(tokens.TokenIds, sample.Batch, sample.New);
        foreach (var tensor in tokens.Caches)
        {
            long[] dims = [.. tensor.Past.Type!.Shape!.Select((d, axis) => axis == tensor.BatchAxis ? sample.Batch
                : axis == tensor.LengthAxis ? sample.Past : d.Evaluate(_symbols) ?? OpenAxis)];
            Bind(tensor.Past, dims);
        }
        if (tokens.PositionIds is { } positions)
            Bind(positions, sample.Batch, sample.New);
        if (tokens.AttentionMask is { } mask)
            Bind(mask, sample.Batch, sample.Total);
    }

    /// <summary>The input of that name, or null if its declared type does not allow the sample.</summary>
    public Tensor? TryMakeInput(string name)
    {
        if (!_dims.TryGetValue(name, out var dims))
            return null;
        var type = _tokens.TokenIds.Graph.Inputs.First(i => i.Name == name).Type!;
        for (var axis = 0; axis < dims.Length; axis++)
        {
            if (type.Shape![axis].Evaluate(_symbols) is { } declared && declared != dims[axis])
                return null;
        }
        if (name == _tokens.AttentionMask?.Name)
            return Integers(type.Element, dims, (row, key) => _sample.IsToken(row, key) ? 1 : 0);
        if (name == _tokens.PositionIds?.Name)
            return Integers(type.Element, dims, _sample.PositionOf);
        return new Tensor(type.Element, dims, new TensorData(new byte[type.Element.ByteLength(Tensor.CountOf(dims))]));
    }

    /// <summary>The result of a Shape or Size node, or null if a dimension has no value.</summary>
    public Tensor? TryMakeShape(Value result)
    {
        var node = result.Producer!;
        var shape = node.Input(0)!.Type!.Shape!;
        long?[] dims = [.. shape.AsEnumerable().Select(d => d.Evaluate(_symbols))];
        if (Array.IndexOf(dims, null) >= 0)
            return null;
        return ShapeResult.Of(node, [.. dims.Select(d => d!.Value)]);
    }

    /// <summary>The number of elements of a value of this type, or null if that is not known.</summary>
    public long? ElementCount(TensorType? type)
    {
        if (type?.Shape is not { } shape)
            return null;
        long count = 1;
        foreach (var dim in shape.AsEnumerable())
        {
            if (dim.Evaluate(_symbols) is not { } size)
                return null;
            count = checked(count * size);
        }
        return count;
    }

    void Bind(Value input, params long[] dims)
    {
        _dims[input.Name] = dims;
        if (input.Type?.Shape is not { } shape || shape.Rank != dims.Length)
            return;
        for (var axis = 0; axis < dims.Length; axis++)
        {
            if (shape[axis].IsSymbol)
                _symbols.TryAdd(shape[axis].ToString(), dims[axis]);
        }
    }

    static Tensor Integers(ElementType element, long[] dims, Func<int, int, int> valueAt)
    {
        var values = new long[Tensor.CountOf(dims)];
        for (var i = 0; i < values.Length; i++)
            values[i] = valueAt((int)(i / dims[1]), (int)(i % dims[1]));
        return element == ElementType.Int32 ? Tensor.Create<int>(dims, Array.ConvertAll(values, v => (int)v)) : Tensor.Create<long>(dims, values);
    }
}
