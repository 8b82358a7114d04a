using OnnxEff.GraphPasses.Lower;
using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>
/// f(x) ⇒ body of f.
/// 1. A call of a model-local function (same domain, name and overload) is replaced by the function's body, with the call's
///    attributes, then the function's defaults, in place of attribute references; also inside bodies and subgraphs.
/// 2. Refused: a function that imports another version of an operator set than the model (its operators may mean something
///    else); a function that calls itself, directly or not (ONNX forbids it).
/// 3. Left: functions that only stand in for an operator of this project's library, which is what the rest of the house knows.
/// Functions that nobody calls any more are removed.
/// </summary>
public sealed class InlineFunctions : GraphPass
{
    const int MaxDepth = 64; // Exporters nest modules less than ten deep.

    /// <inheritdoc/>
    public override string Name => "inline-functions";

    /// <inheritdoc/>
    public override string Summary => "f(x) ⇒ body of f";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        var model = context.Model;
        if (model.Functions.Count == 0)
            return PassResult.Unchanged;
        var functions = model.Functions.Where(f => !FunctionBodies.Knows(f.Domain, f.Name)).ToDictionary(f => (f.Domain, f.Name, f.Overload));
        var recursive = functions.Values.Where(f => ReachesItself(f, functions)).ToHashSet();
        var inlined = 0;
        for (var depth = 0; depth < MaxDepth; depth++)
        {
            var before = inlined;
            foreach (var graph in model.Graph.SelfAndSubgraphs().ToArray())
            {
                foreach (var node in graph.Nodes.ToArray())
                {
                    if (!functions.TryGetValue((node.Domain, node.OpType, node.Overload), out var function))
                        continue;
                    if (Objection(model, function, recursive) is { } sentence)
                    {
                        if (depth == 0)
                            context.Refuse(this, node, sentence);
                        continue;
                    }
                    Inline(node, function);
                    inlined++;
                }
            }
            if (inlined == before)
                break;
        }
        var called = model.AllGraphs.SelectMany(g => g.Nodes).Select(n => (n.Domain, n.OpType, n.Overload)).ToHashSet();
        while (model.Functions.RemoveAll(f => !called.Contains((f.Domain, f.Name, f.Overload))) > 0)
            called = model.AllGraphs.SelectMany(g => g.Nodes).Select(n => (n.Domain, n.OpType, n.Overload)).ToHashSet();
        model.Graph.Sort();
        return new PassResult(inlined);
    }

    static string? Objection(Model model, Function function, HashSet<Function> recursive)
    {
        if (recursive.Contains(function))
            return $"function '{function.Name}' calls itself";
        foreach (var (domain, version) in function.Opsets)
        {
            if (model.Opsets.TryAdd(domain, version) || model.Opsets[domain] == version)
                continue;
            return $"function '{function.Name}' is written for version {version} of operator set '{domain}', the model for {model.Opsets[domain]}";
        }
        return null;
    }

    static bool ReachesItself(Function start, Dictionary<(string, string, string), Function> functions)
    {
        var seen = new HashSet<Function>();
        var work = new Stack<Function>([start]);
        while (work.TryPop(out var function))
        {
            foreach (var node in function.Body.SelfAndSubgraphs().SelectMany(g => g.Nodes))
            {
                if (!functions.TryGetValue((node.Domain, node.OpType, node.Overload), out var callee))
                    continue;
                if (ReferenceEquals(callee, start))
                    return true;
                if (seen.Add(callee))
                    work.Push(callee);
            }
        }
        return false;
    }

    static void Inline(Node call, Function function)
    {
        var values = new Dictionary<Value, Value?>();
        for (var i = 0; i < function.Body.Inputs.Count; i++)
            values[function.Body.Inputs[i]] = call.Input(i);
        var prefix = call.Name.Length == 0 ? call.Graph.FreshName(function.Name) : call.Name;
        var copy = new GraphCopy(values, prefix + "/", Resolve);
        copy.Into(function.Body, call.Graph, before: call);
        for (var i = 0; i < function.Body.Outputs.Count && i < call.Outputs.Count; i++)
        {
            if (copy.Of(function.Body.Outputs[i]) is not { } result)
                throw new InvalidGraphException($"Function '{function.Name}' returns an input that node '{call.Name}' leaves out.");
            PutOutput(call.Outputs[i], result);
        }
        call.Graph.RemoveNode(call);

        AttributeValue? Resolve(AttributeValue value) => value is not ReferenceAttribute reference ? value
            : call.Attributes.GetValueOrDefault(reference.Name) ?? function.AttributeDefaults.GetValueOrDefault(reference.Name);
    }

    static void PutOutput(Value old, Value result)
    {
        if (old.Name.Length == 0)
            return;
        // The result keeps the name that the caller gave it, unless it has one of its own to keep.
        if (!old.IsOutput && result.Producer is not null && !result.IsOutput && ReferenceEquals(result.Graph, old.Graph))
        {
            result.Name = old.Name;
            old.Name = old.Graph.FreshName(result.Name);
        }
        Replacement.Put(old, result);
    }
}
