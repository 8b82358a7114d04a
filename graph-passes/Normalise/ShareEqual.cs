using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// f(x), f(x) ⇒ one f(x).
/// 1. Small constants of one graph with equal type, dimensions and bits become one.
/// 2. Nodes of one graph with the same operator, inputs (in any order where the operator is commutative) and attributes become one.
/// 3. Left alone: nodes with subgraphs, random ones, operators of unknown domains, constants of more than 1 KiB (weights).
/// </summary>
public sealed class ShareEqual : GraphPass
{
    const long MaxConstantBytes = 1024;

    /// <inheritdoc/>
    public override string Name => "share-equal";

    /// <inheritdoc/>
    public override string Summary => "f(x), f(x) ⇒ one f(x)";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        var shared = 0;
        context.Model.Graph.Sort();
        foreach (var graph in context.Model.Graph.SelfAndSubgraphs().ToArray())
            shared += ShareConstants(graph) + ShareNodes(graph);
        return new PassResult(shared);
    }

    static int ShareConstants(Graph graph)
    {
        var shared = 0;
        var known = new Dictionary<int, List<Value>>();
        foreach (var value in graph.Initializers.Where(v => v.Constant is { Strings: null } t && t.Data.Length <= MaxConstantBytes).ToArray())
        {
            var tensor = value.Constant!;
            var hash = new HashCode();
            hash.Add(tensor.Element);
            foreach (var dim in tensor.Dims)
                hash.Add(dim);
            hash.AddBytes(tensor.Data.Span);
            var equal = known.TryGetValue(hash.ToHashCode(), out var list) ? list : known[hash.ToHashCode()] = [];
            if (equal.Find(v => TensorFacts.AreEqual(v.Constant!, tensor)) is not { } first)
            {
                equal.Add(value);
            }
            else if (!value.IsOutput && value.Uses.Count > 0)
            {
                value.ReplaceUsesWith(first);
                graph.RemoveInitializer(value);
                shared++;
            }
        }
        return shared;
    }

    static int ShareNodes(Graph graph)
    {
        var shared = 0;
        var known = new Dictionary<int, List<Node>>();
        foreach (var node in graph.Nodes.ToArray())
        {
            if (OperatorFacts.IsImpure(node.Domain, node.OpType) || node.Subgraphs.Any())
                continue;
            var hash = Hash(node);
            if (!known.TryGetValue(hash, out var list))
                known[hash] = list = [];
            if (list.Find(n => AreEqual(n, node)) is not { } first)
            {
                list.Add(node);
                continue;
            }
            for (var i = 0; i < node.Outputs.Count; i++)
            {
                if (node.Outputs[i].Name.Length > 0)
                    Replacement.Put(node.Outputs[i], first.Outputs[i]);
            }
            graph.RemoveNode(node);
            shared++;
        }
        return shared;
    }

    static int Hash(Node node)
    {
        var hash = new HashCode();
        hash.Add(node.OpType);
        hash.Add(node.Domain);
        var inputs = 0; // A sum, so that the order of commutative operands does not matter.
        foreach (var input in node.Inputs)
            inputs += input is null ? 1 : System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(input);
        hash.Add(inputs);
        hash.Add(node.Attributes.Count);
        return hash.ToHashCode();
    }

    static bool AreEqual(Node a, Node b)
    {
        if (a.OpType != b.OpType || a.Domain != b.Domain || a.Overload != b.Overload
            || a.Attributes.Count != b.Attributes.Count || !HaveEqualInputs(a, b) || b.Outputs.Count > a.Outputs.Count)
        {
            return false;
        }
        for (var i = 0; i < b.Outputs.Count; i++)
        {
            if (b.Outputs[i].Name.Length > 0 && a.Outputs[i].Name.Length == 0)
                return false;
        }
        return a.Attributes.All(p => b.Attributes.TryGetValue(p.Key, out var other) && AttributeFacts.AreEqual(p.Value, other));
    }

    static bool HaveEqualInputs(Node a, Node b)
    {
        if (a.Inputs.Count != b.Inputs.Count)
            return false;
        if (Same(0, 0) && Same(1, 1))
        {
            for (var i = 2; i < a.Inputs.Count; i++)
            {
                if (!Same(i, i))
                    return false;
            }
            return true;
        }
        return a.Inputs.Count == 2 && OperatorFacts.IsCommutative(a.Domain, a.OpType) && Same(0, 1) && Same(1, 0);

        bool Same(int i, int j) => ReferenceEquals(a.Input(i), b.Input(j));
    }
}
