using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.Compression;

/// <summary>A linear layer as a file holds it: the operator that multiplies with it, and what that takes behind the activations.</summary>
/// <param name="Operator">The operator.</param>
/// <param name="Domain">Its domain.</param>
/// <param name="Attributes">Its integer attributes.</param>
/// <param name="Tensors">Its inputs behind the first, with names; null where the layer has none.</param>
/// <param name="Error">tr(ΔW·S·ΔWᵀ) / tr(W·S·Wᵀ), S the second moment of the inputs.</param>
public sealed record StoredLinear(string Operator, string Domain, IReadOnlyList<(string Name, long Value)> Attributes, IReadOnlyList<(string Name, Tensor? Tensor)> Tensors, double Error)
{
    /// <summary>The tensor of a name, or null.</summary>
    public Tensor? this[string name] => Tensors.FirstOrDefault(tensor => tensor.Name == name).Tensor;
}

/// <summary>Puts stored layers into a graph. Side data that layers share, such as a codebook, is one constant.</summary>
/// <param name="model">The model.</param>
public sealed class StoredLinearWriter(Model model)
{
    readonly Dictionary<string, List<Value>> _shared = [];

    /// <summary>Bytes of all tensors so far, each once.</summary>
    public long Bytes { get; private set; }

    /// <summary>Replaces a product.</summary>
    public void Replace(ConstantLinear linear, StoredLinear stored)
    {
        var graph = linear.Node.Graph;
        Value?[] inputs = [linear.Input, .. stored.Tensors.Select(t => t.Tensor is null ? null : Constant(graph, linear.Name, t.Name, t.Tensor))];
        var node = graph.AddNode(stored.Operator, stored.Domain, inputs, before: linear.Node);
        node.TrimInputs();
        foreach (var (name, value) in stored.Attributes) node.SetAttribute(name, new IntAttribute(value));
        var old = linear.Node.Result;
        Replacement.Put(old, node.AddOutput(graph.FreshName(old.Name), old.Type), isNew: true);
        Replacement.RemoveIfUnused(linear.Node);
        model.Opsets.TryAdd(stored.Domain, 1);
    }

    Value Constant(Graph graph, string layer, string name, Tensor tensor)
    {
        if (!_shared.TryGetValue(name, out var known)) _shared.Add(name, known = []);
        if (known.Find(value => IsSame(value.Constant!, tensor)) is { } same) return same;
        Bytes += tensor.Data.Length;
        var value = graph.AddConstant(tensor, $"{layer}.{name}");
        known.Add(value);
        return value;
    }

    static bool IsSame(Tensor a, Tensor b) => a.Element == b.Element && a.Dims.SequenceEqual(b.Dims) && a.Data.Span.SequenceEqual(b.Data.Span);
}
