using OnnxEff.Ir;
using OnnxEff.Ir.Shapes;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// Shape(x)[2] ⇒ 64.
/// 1. A value of at most 64 integers or booleans that are all known from symbolic shapes becomes a constant, whatever computes it.
/// 2. A float value of this kind too, if all its numbers are integers that its type holds exactly.
/// Left alone: values with an element that depends on a symbol; fractions (the runtime computes them, see <see cref="FoldConstants"/>).
/// </summary>
public sealed class FoldShapes : GraphPass
{
    const double LargestExactInteger = 1 << 11; // Half holds all integers up to here.

    /// <inheritdoc/>
    public override string Name => "fold-shapes";

    /// <inheritdoc/>
    public override string Summary => "Shape(x)[2] ⇒ 64";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        var shapes = context.Shapes;
        var folded = 0;
        foreach (var graph in context.Model.Graph.SelfAndSubgraphs().ToArray())
        {
            foreach (var node in graph.Nodes.ToArray())
            {
                foreach (var output in node.Outputs)
                {
                    if (output.Uses.Count == 0 || output.Name.Length == 0 || output.IsOutput
                        || shapes.ValueOf(output) is not { } value || ToTensor(output.Element(), value) is not { } tensor)
                    {
                        continue;
                    }
                    output.ReplaceUsesWith(graph.AddConstant(tensor, output.Name));
                    folded++;
                }
            }
        }
        if (folded > 0)
            context.Model.Graph.RemoveDead();
        return new PassResult(folded, KeepsTypes: true);
    }

    static Tensor? ToTensor(ElementType element, SymbolicValue value)
    {
        if (value.ToInt64() is not { } numbers || value.Shape.ToConstant() is not { } dims)
            return null;
        if (element.IsFloat() && numbers.Any(n => Math.Abs(n) > LargestExactInteger))
            return null;
        try
        {
            return element switch
            {
                ElementType.Int64 => Tensor.Create<long>(dims, numbers),
                ElementType.Int32 => Tensor.Create<int>(dims, Array.ConvertAll(numbers, n => checked((int)n))),
                ElementType.Bool => Tensor.Create<bool>(dims, Array.ConvertAll(numbers, n => n != 0)),
                ElementType.Float32 => Tensor.Create<float>(dims, Array.ConvertAll(numbers, n => (float)n)),
                ElementType.Float16 => Tensor.Create<Half>(dims, Array.ConvertAll(numbers, n => (Half)n)),
                ElementType.Float64 => Tensor.Create<double>(dims, Array.ConvertAll(numbers, n => (double)n)),
                _ => null,
            };
        }
        catch (OverflowException)
        {
            return null; // A number that its own type does not hold is no number that the runtime would compute.
        }
    }
}
