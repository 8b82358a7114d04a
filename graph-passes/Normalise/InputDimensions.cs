using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>Computes dimensions in the graph from the shapes of its inputs. What was computed once is used again.</summary>
sealed class InputDimensions
{
    static readonly TensorType OneInteger = new(ElementType.Int64, TensorShape.Of(1));

    readonly GraphBuilder _build;
    readonly Dictionary<string, Func<Value>> _symbols = [];
    readonly Dictionary<string, Value> _vectors = [], _scalars = [];

    /// <summary>Dimensions from these inputs, the first that has a dimension gives it.</summary>
    public InputDimensions(Graph graph, IReadOnlyList<Value> inputs, DecoderSignature? signature)
    {
        _build = new(graph, "dimension");
        foreach (var input in inputs)
        {
            // A past's length is the mask's width less the new tokens, where that is proven.
            if (signature is { AttentionMask.Type.Shape: { Rank: 2 } mask, TokenIds.Type.Shape: { Rank: 2 } ids }
                && signature.Caches.FirstOrDefault(c => c.Past == input) is { } cache && input.Type!.Shape![cache.LengthAxis] is { IsSymbol: true } past
                && mask[1] - ids[1] == past)
            {
                _symbols.TryAdd(past.ToString(), () => Binary("Sub", Extent(signature.AttentionMask, 1), Extent(signature.TokenIds, 1)));
            }
            for (var axis = 0; axis < input.Type!.Shape!.Rank; axis++)
            {
                var at = axis;
                if (input.Type.Shape[axis].IsSymbol)
                    _symbols.TryAdd(input.Type.Shape[axis].ToString(), () => Extent(input, at));
            }
        }
    }

    /// <summary>True if all dimensions are polynomials of the inputs' dimensions.</summary>
    public bool CanExpress(IEnumerable<Dim> dims) =>
        dims.All(d => d.Terms?.All(t => t.Symbols.All(_symbols.ContainsKey)) == true);

    /// <summary>One dimension, int64 of shape [1] or [].</summary>
    public Value Make(Dim dim, bool isScalar)
    {
        var vector = Vector(dim);
        if (!isScalar)
            return vector;
        return _scalars.TryGetValue(dim.ToString(), out var known) ? known
            : _scalars[dim.ToString()] = _build.Op("Reshape", [vector, _build.Constant(Tensor.Create<long>([0], []))], new(ElementType.Int64, TensorShape.Scalar));
    }

    /// <summary>Several dimensions, int64 [n].</summary>
    public Value Make(Dim[] dims)
    {
        if (dims.Length == 1)
            return Vector(dims[0]);
        var key = string.Join(", ", dims.Select(d => d.ToString()));
        return _vectors.TryGetValue(key, out var known) ? known
            : _vectors[key] = _build.Op("Concat", [.. dims.Select(d => (Value?)Vector(d))], new(ElementType.Int64, TensorShape.Of(dims.Length)), ("axis", 0L));
    }

    Value Vector(Dim dim)
    {
        if (_vectors.TryGetValue(dim.ToString(), out var known))
            return known;
        Value? sum = null;
        foreach (var (coefficient, symbols) in dim.Terms!)
        {
            var product = coefficient == 1 && symbols.Count > 0 ? null : _build.Constant(Tensor.Vector(coefficient));
            foreach (var symbol in symbols)
            {
                var factor = _vectors.TryGetValue(symbol, out var made) ? made : _vectors[symbol] = _symbols[symbol]();
                product = product is null ? factor : Binary("Mul", product, factor);
            }
            sum = sum is null ? product : Binary("Add", sum, product!);
        }
        return _vectors[dim.ToString()] = sum!;
    }

    Value Binary(string op, Value a, Value b) => _build.Op(op, [a, b], OneInteger);

    Value Extent(Value input, long axis) => _build.Op("Gather",
        [_build.Op("Shape", [input], new(ElementType.Int64, TensorShape.Of(input.Type!.Shape!.Rank))), _build.Constant(Tensor.Vector(axis))], OneInteger);
}
