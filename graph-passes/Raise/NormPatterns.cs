using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Ops.Onnx;
using OnnxEff.Rewriting;
using static OnnxEff.Ops.Onnx.Standard;
using static OnnxEff.Rewriting.Pattern;

namespace OnnxEff.GraphPasses.Raise;

/// <summary>The spellings of root-mean-square normalisation.</summary>
static class NormPatterns
{
    public static readonly Var X = new("x"), Gamma = new("γ"), Beta = new("β"), Skip = new("skip"), Bias = new("bias"), Y = new("y");
    public static readonly Scalar Eps = new("ε");
    public static readonly AttrVar<float> Epsilon = new("epsilon", 1e-5f);
    public static readonly AttrVar<long> StashType = new("stash_type", 1);
    public static readonly AttrVar<long> Axis = new("axis", -1);

    static readonly Var Mean = new("mean");

    /// <summary>x / √(mean(x²) + ε), without a weight, where the mean runs over the last axis or axes.</summary>
    public static Pattern Normalised { get; } = Build();

    static Pattern Build()
    {
        var x = X.Maybe("Cast");
        var square = Pow(x, 2.0) | (x * x);
        var mean = Op("ReduceMean", square).AllowMoreInputs().With("keepdims", 1, absent: 1).When(n => LastAxes(n) is not null, "it must reduce the last axes");
        var meanSquare = mean.As(Mean).Maybe("Cast") + Eps;
        var root = Sqrt(meanSquare) | Pow(meanSquare, 0.5);
        var inverse = Reciprocal(root) | (1.0 / root) | Pow(meanSquare, -0.5);
        return (x / root) | (x * inverse);
    }

    /// <summary>γ has one number for each that is normalised together.</summary>
    public static Guard GammaSpans { get; } = new(m => Count(m) is { } count && (count == 1 ? Guards.SpansLastAxis(Gamma, X).Holds(m)
        : Sizes(m, count) is { } sizes && m[Gamma].Type?.Shape is { } gamma && gamma.Rank >= count
            && gamma[^count..].SequenceEqual(sizes) && gamma.Take(gamma.Rank - count).All(d => d == Dim.One)), "γ must span the normalised axis");

    /// <summary>How many axes, the last ones, are normalised together; null if that is not known.</summary>
    static int? Count(Match m)
    {
        if (m.TryGet(Mean, out var mean))
            return LastAxes(mean.Producer!);
        var axis = m.Get(Axis);
        return axis < 0 ? (int)-axis : m[X].Type?.Shape is { } shape ? shape.Rank - (int)axis : null;
    }

    static int? LastAxes(Node reduce)
    {
        if (Axes.Of(reduce) is not { Length: > 0 } axes)
            return null;
        long[] last = [.. Enumerable.Range(-axes.Length, axes.Length)];
        return Axes.AreSame(axes, last, reduce.Input(0)?.Type?.Shape?.Rank) ? axes.Length : null;
    }

    static Dim[]? Sizes(Match m, int count) => m[X].Type?.Shape is { } shape && shape.Rank >= count && shape[^count..].ToArray() is var sizes
        && Array.TrueForAll(sizes, d => d.IsConstant) ? sizes : null;

    /// <summary>
    /// llm.RmsNorm of a type that holds both x and the value replaced: what is computed in fp32 between half-precision
    /// casts stays in fp32. Several axes are one while they are normalised.
    /// </summary>
    public static Wire BuildRmsNorm(PatchBuilder m, float epsilon, ElementType stash)
    {
        var (x, gamma, y) = (m[X], m[Gamma], m[Y]);
        var (from, to) = (Element(x), Element(y));
        var type = ElementType.Float32 == from || ElementType.Float32 == to ? ElementType.Float32 : from;
        var (value, weight) = (CastTo(m, x, from, type), CastTo(m, gamma, Element(gamma), type));
        Wire Norm(Wire value, Wire weight) => m.Op(Vocabulary.Domain, Vocabulary.RmsNorm, [value, weight]).With("epsilon", epsilon).With("stash_type", (long)stash);
        Wire norm;
        if (Count(m.Match) is var count && count == 1)
            norm = Norm(value, weight);
        else
        {
            var (shape, sizes) = (x.Type!.Shape!, Sizes(m.Match, count!.Value)!);
            var kept = shape.Rank - sizes.Length;
            var width = TensorShape.Product(sizes);
            Wire Reshape(Wire of, params IEnumerable<Dim> dims) => m.Op("Reshape", of,
                m.Constant(Tensor.Vector<long>([.. dims.Select((d, axis) => axis < kept && dims.Count() > 1 ? 0 : d.Constant!.Value)])));
            var joined = new TensorType(type, new TensorShape([.. shape.Take(kept), width]));
            norm = Norm(Reshape(value, joined.Shape!).OfType(joined), Reshape(weight, width).OfType(new TensorType(type, new TensorShape(width)))).OfType(joined);
            norm = Reshape(norm, shape);
        }
        if (type == to || to == ElementType.Undefined)
            return norm;
        return m.Op("Cast", norm.OfType(new TensorType(type, y.Type?.Shape))).With("to", (long)to);
    }

    static ElementType Element(Value value) => value.Type?.Element ?? ElementType.Undefined;

    static Wire CastTo(PatchBuilder m, Value value, ElementType from, ElementType to) => from == to || from == ElementType.Undefined ? value
        : m.Op("Cast", value).With("to", (long)to).OfType(new TensorType(to, value.Type?.Shape));
}
