using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;
using static OnnxEff.Ops.Onnx.Standard;

namespace OnnxEff.GraphPasses.Raise;

/// <summary>The spellings of root-mean-square normalisation.</summary>
static class NormPatterns
{
    public static readonly Var X = new("x"), Gamma = new("γ"), Beta = new("β"), Skip = new("skip"), Bias = new("bias"), Y = new("y");
    public static readonly Scalar Eps = new("ε");
    public static readonly AttrVar<float> Epsilon = new("epsilon", 1e-5f);
    public static readonly AttrVar<long> StashType = new("stash_type", 1);
    public static readonly AttrVar<long> Axis = new("axis", -1);

    /// <summary>x / √(mean(x²) + ε), without a weight.</summary>
    public static Pattern Normalised { get; } = Build();

    static Pattern Build()
    {
        var x = X.Maybe("Cast");
        var square = Pow(x, 2.0) | (x * x);
        var meanSquare = ReduceMean(square, axes: [-1]).Maybe("Cast") + Eps;
        var root = Sqrt(meanSquare) | Pow(meanSquare, 0.5);
        var inverse = Reciprocal(root) | (1.0 / root) | Pow(meanSquare, -0.5);
        return (x / root) | (x * inverse);
    }

    /// <summary>
    /// llm.RmsNorm of a type that holds both x and the value replaced: what is computed in fp32 between half-precision
    /// casts stays in fp32.
    /// </summary>
    public static Wire BuildRmsNorm(PatchBuilder m, Value x, Value gamma, Value y, float epsilon, ElementType stash)
    {
        var (from, to) = (Element(x), Element(y));
        var type = ElementType.Float32 == from || ElementType.Float32 == to ? ElementType.Float32 : from;
        var norm = m.Op(Vocabulary.Domain, Vocabulary.RmsNorm, [CastTo(m, x, from, type), CastTo(m, gamma, Element(gamma), type)])
            .With("epsilon", epsilon).With("stash_type", (long)stash);
        if (type == to || to == ElementType.Undefined)
            return norm;
        return m.Op("Cast", norm.OfType(new TensorType(type, y.Type?.Shape))).With("to", (long)to);
    }

    static ElementType Element(Value value) => value.Type?.Element ?? ElementType.Undefined;

    static Wire CastTo(PatchBuilder m, Value value, ElementType from, ElementType to) => from == to || from == ElementType.Undefined ? value
        : m.Op("Cast", value).With("to", (long)to).OfType(new TensorType(to, value.Type?.Shape));
}
