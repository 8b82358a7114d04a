using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// Constant() ⇒ initializer.
/// 1. <c>value</c>, <c>value_int</c>, <c>value_ints</c>, <c>value_float</c>, <c>value_floats</c>, <c>value_string</c>, <c>value_strings</c>: lifted
///    into the graph that holds the node, under the name of its output.
/// 2. A sparse value, or one that refers to an attribute of a function: left alone.
/// </summary>
public sealed class LiftConstants : GraphPass
{
    /// <inheritdoc/>
    public override string Name => "lift-constants";

    /// <inheritdoc/>
    public override string Summary => "Constant() ⇒ initializer";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        var lifted = 0;
        foreach (var graph in context.Model.Graph.SelfAndSubgraphs().ToArray())
        {
            foreach (var node in graph.Nodes.Where(n => n.Is("Constant")).ToArray())
            {
                if (ValueOf(node) is { } tensor)
                {
                    Lift(node, tensor);
                    lifted++;
                }
                else
                {
                    context.Refuse(this, node, "the constant is no dense tensor");
                }
            }
        }
        return new PassResult(lifted);
    }

    static void Lift(Node node, Tensor tensor)
    {
        var old = node.Result;
        if (old.IsOutput)
        {
            Replacement.Put(old, node.Graph.AddConstant(tensor, old.Name));
        }
        else
        {
            var name = old.Name;
            old.Name = node.Graph.FreshName(name);
            old.ReplaceUsesWith(node.Graph.AddInitializer(name, tensor));
        }
        node.Graph.RemoveNode(node);
    }

    static Tensor? ValueOf(Node node) => node.Attributes.Count != 1 ? null : node.Attributes.First() switch
    {
        { Key: "value", Value: TensorAttribute { Value: var tensor } } => tensor,
        { Key: "value_int", Value: IntAttribute { Value: var value } } => Tensor.Scalar(value),
        { Key: "value_ints", Value: IntsAttribute { Values: var values } } => Tensor.Vector<long>(values),
        { Key: "value_float", Value: FloatAttribute { Value: var value } } => Tensor.Scalar(value),
        { Key: "value_floats", Value: FloatsAttribute { Values: var values } } => Tensor.Vector<float>(values),
        { Key: "value_string", Value: StringAttribute { Bytes: var text } } => Tensor.OfStrings([], [text]),
        { Key: "value_strings", Value: StringsAttribute { Values: var texts } } => Tensor.OfStrings([texts.Length], texts),
        _ => null,
    };
}
