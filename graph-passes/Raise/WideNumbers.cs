using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise;

/// <summary>
/// Half precision widened to float32 in a part that was cut out of a model to see what it means: rounding is no part of the meaning,
/// and ONNX Runtime has next to no bfloat16 kernels on CPU.
/// </summary>
static class WideNumbers
{
    /// <summary>Types as numbers in attributes of Cast, Range, EyeLike, random numbers and the like.</summary>
    static readonly string[] s_typeAttributes = ["to", "dtype", "stash_type", "output_dtype", "softmax_precision"];

    /// <summary>float32 for the half-precision types; every other type is itself.</summary>
    public static ElementType Of(ElementType element) => element is ElementType.Float16 or ElementType.BFloat16 ? ElementType.Float32 : element;

    /// <summary>Widens all values, constants and conversions of a model.</summary>
    public static void Apply(Model cut)
    {
        foreach (var graph in cut.AllGraphs)
        {
            foreach (var value in graph.Values)
            {
                if (value.Type is { } type)
                    value.Type = type with { Element = Of(type.Element) };
                if (value.Initializer is { } constant)
                    value.Initializer = Of(constant);
            }
            foreach (var node in graph.Nodes)
            {
                foreach (var (name, attribute) in node.Attributes.ToArray())
                {
                    if (attribute is TensorAttribute { Value: var tensor })
                        node.SetAttribute(name, Of(tensor));
                    else if (attribute is IntAttribute { Value: var number } && s_typeAttributes.Contains(name))
                        node.SetAttribute(name, (long)Of((ElementType)number));
                }
            }
        }
    }

    static Tensor Of(Tensor tensor) => Of(tensor.Element) == tensor.Element ? tensor
        : Tensor.Create<float>(tensor.Dims, Array.ConvertAll(tensor.ToDouble()!, v => (float)v));
}
