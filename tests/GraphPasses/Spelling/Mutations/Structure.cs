using OnnxEff.Ir;

namespace OnnxEff.Tests.GraphPasses.Spelling.Mutations;

/// <summary>x ⇒ Identity(x).</summary>
public sealed class InsertIdentity : ValueMutation
{
    protected override Func<Value, Value> Wrapper(Manuscript m, Value value) => v => m.Op("Identity", [v]);
}

/// <summary>x ⇒ Dropout(x) in inference mode.</summary>
public sealed class InsertDropout : ValueMutation
{
    protected override Func<Value, Value>? Wrapper(Manuscript m, Value value) => !value.IsFloat() || m.Opset < 12 ? null
        : m.OneOf<Func<Value, Value>>(
            v => m.Op("Dropout", [v]),
            v => m.Op("Dropout", [v, m.Number(0.1, ElementType.Float32)]),
            v => m.Op("Dropout", [v, m.Number(0.1, ElementType.Float32), m.Number(0, ElementType.Bool)]));
}

/// <summary>op(a, b) ⇒ op(b, a).</summary>
public sealed class SwapOperands : NodeMutation
{
    protected override Action? At(Manuscript m, Node node) => node.Inputs.Count == 2 && node.Inputs[0] != node.Inputs[1]
        && node.OpType is "Add" or "Mul" or "And" or "Or" or "Xor" or "Equal" or "Max" or "Min"
        ? () => Swap(node, node.Input(0), node.Input(1)) : null;

    static void Swap(Node node, Value? a, Value? b)
    {
        node.SetInput(0, b);
        node.SetInput(1, a);
    }
}

/// <summary>One node that several read ⇒ a node for each of two groups of readers.</summary>
public sealed class RepeatNode : NodeMutation
{
    protected override Action? At(Manuscript m, Node node)
    {
        if (node.Outputs.Count != 1 || node.Subgraphs.Any() || m.ReadsInMain(node.Result).Count() < 2)
            return null;
        return () =>
        {
            var copy = m.Op(node.OpType, [.. node.Inputs]);
            foreach (var (name, value) in node.Attributes)
                copy.Producer!.SetAttribute(name, value);
            foreach (var use in m.ReadsInMain(node.Result).Where(_ => m.Flip()).ToArray())
                use.Node.SetInput(use.Index, copy);
        };
    }
}

/// <summary>A node ⇒ the same node in the branch of an If that a condition known beforehand takes.</summary>
public sealed class WrapInIf : NodeMutation
{
    protected override Action? At(Manuscript m, Node node)
    {
        if (node.Outputs.Count != 1 || node.Subgraphs.Any() || node.OpType is "Constant" or "Dropout" || node.Result.Type?.Shape is null
            || node.Inputs.Count == 0)
            return null;
        return () =>
        {
            var taken = m.Flip();
            var branch = m.Op("If", [Condition(m, taken)],
                (taken ? "then_branch" : "else_branch", new GraphAttribute(Branch(node, m.Graph, negated: false))),
                (taken ? "else_branch" : "then_branch", new GraphAttribute(Branch(node, m.Graph, negated: node.Result.IsFloat()))));
            branch.Type = node.Result.Type;
            Manuscript.Replace(node.Result, branch);
        };
    }

    static Value Condition(Manuscript m, bool value)
    {
        var size = m.Op("Size", [m.Const(Tensor.Create<float>([2, 3], new float[6]))]);
        return m.OneOf<Func<Value>>(
            () => m.Const(Tensor.Scalar(value)),
            () => m.Op("Constant", [], ("value", Tensor.Scalar(value))),
            () => m.Op("Not", [m.Const(Tensor.Scalar(!value))]),
            () => m.Op("Equal", [size, m.Const(Tensor.Scalar(value ? 6L : 7L))]),
            () => m.Op("Cast", [m.Const(Tensor.Scalar(value ? 1L : 0L))], ("to", (long)ElementType.Bool)))();
    }

    static Graph Branch(Node node, Graph parent, bool negated)
    {
        var graph = new Graph(negated ? "other" : "branch", parent);
        var copy = graph.AddNode(node.OpType, node.Domain, [.. node.Inputs]);
        foreach (var (name, value) in node.Attributes)
            copy.SetAttribute(name, value);
        var result = copy.AddOutput(parent.FreshName("branch"), node.Result.Type);
        if (negated)
            result = graph.AddNode("Neg", "", [result]).AddOutput(parent.FreshName("negated"), node.Result.Type);
        graph.Outputs.Add(result);
        return graph;
    }
}

/// <summary>Nodes in another topological order, with other names for nodes, inner values and constants.</summary>
public sealed class ReorderAndRename : Mutation
{
    public override bool TryApply(Manuscript m)
    {
        var (source, target) = (m.Graph, new Graph(m.Graph.Name));
        var model = new Model(target) { IrVersion = m.Model.IrVersion, ProducerName = m.Model.ProducerName };
        foreach (var (domain, version) in m.Model.Opsets)
            model.Opsets[domain] = version;
        model.Functions.AddRange(m.Model.Functions);
        var copier = new GraphCopier(target);
        foreach (var input in source.Inputs)
            copier.Map[input] = target.AddInput(input.Name, input.Type);
        var number = 0;
        foreach (var constant in m.Shuffle(source.Initializers))
            copier.Map[constant] = target.AddInitializer(constant.IsInput || constant.IsOutput ? constant.Name : $"c{++number}", constant.Initializer!);
        foreach (var node in RandomOrder(m, source))
        {
            var copy = copier.Copy(node);
            copy.Name = $"n{++number}";
            for (var i = 0; i < node.Outputs.Count; i++)
            {
                if (node.Outputs[i] is { IsOutput: false, Name.Length: > 0 })
                    copy.Outputs[i].Name = $"v{++number}";
            }
        }
        target.Outputs.AddRange(source.Outputs.Select(copier.Resolve));
        m.ContinueWith(model);
        m.Note(Name);
        return true;
    }

    static List<Node> RandomOrder(Manuscript m, Graph graph)
    {
        var waits = graph.Nodes.ToDictionary(n => n, n => Producers(n, graph).Count());
        var readers = graph.Nodes.SelectMany(n => Producers(n, graph).Select(p => (p, n))).ToLookup(p => p.p, p => p.n);
        var ready = waits.Where(w => w.Value == 0).Select(w => w.Key).ToList();
        var order = new List<Node>();
        while (ready.Count > 0)
        {
            var at = m.Random.Next(ready.Count);
            var node = ready[at];
            (ready[at], ready[^1]) = (ready[^1], ready[at]);
            ready.RemoveAt(ready.Count - 1);
            order.Add(node);
            ready.AddRange(readers[node].Where(r => --waits[r] == 0));
        }
        return order;
    }

    static IEnumerable<Node> Producers(Node node, Graph graph) => Graph.Reads(node).Select(v => v.Producer).OfType<Node>()
        .Where(p => ReferenceEquals(p.Graph, graph)).Distinct();
}
