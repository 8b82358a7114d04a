using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;

namespace OnnxEff.Tests.Testing;

/// <summary>
/// A decoder with many layers, made of an export with two by repeating its second one: nodes of layer n are named
/// <c>/model/layers.n/…</c>, its cache <c>past_key_values.n.…</c> and <c>present.n.…</c>.
/// </summary>
public static class DeepModel
{
    /// <summary>The export with more layers, of which each has weights under names of its own.</summary>
    public static Model Of(string path, int layers)
    {
        var model = OnnxReader.Load(path);
        var graph = model.Graph;
        graph.Sort();
        Node[] body = [.. graph.Nodes.Where(n => n.Name.Contains("layers.1/", StringComparison.Ordinal))];
        var made = body.SelectMany(n => n.Outputs).ToHashSet();
        // What the first layer hands to the second beside tables that all layers read, and the second to what follows.
        var entry = body.SelectMany(n => n.Inputs).OfType<Value>().Distinct().Single(v => v.Producer is { OpType: "Add" } producer
            && producer.Name.Contains("layers.0/", StringComparison.Ordinal));
        var exit = made.Single(v => v.Uses.Any(u => !body.Contains(u.Node)));
        Use[] readers = [.. exit.Uses.Where(u => !body.Contains(u.Node))];
        var last = exit;
        for (var layer = 2; layer < layers; layer++)
            last = Repeat(graph, body, new() { [entry] = last }, layer)[exit];
        foreach (var use in readers)
            use.Node.SetInput(use.Index, last);
        graph.Sort();
        return model;
    }

    static Dictionary<Value, Value> Repeat(Graph graph, Node[] body, Dictionary<Value, Value> map, int layer)
    {
        foreach (var node in body)
        {
            var copy = graph.AddNode(node.OpType, node.Domain, [.. node.Inputs.Select(Input)]);
            copy.Name = Renamed(node.Name);
            foreach (var (name, value) in node.Attributes)
                copy.SetAttribute(name, value);
            foreach (var output in node.Outputs)
            {
                var name = Renamed(output.Name);
                map[output] = copy.AddOutput(name != output.Name ? name : graph.FreshName(name), output.Type);
                if (output.IsOutput)
                    graph.Outputs.Add(map[output]);
            }
        }
        return map;

        Value? Input(Value? value)
        {
            if (value is null || map.TryGetValue(value, out var mapped))
                return value is null ? null : map[value];
            if (value.Constant is { Count: > 1 } weight)
                return map[value] = graph.AddConstant(weight, Renamed(value.Name));
            return value.IsInput && Renamed(value.Name) is var name && name != value.Name ? map[value] = graph.AddInput(name, value.Type) : value;
        }

        string Renamed(string name) => name.Replace("layers.1", $"layers.{layer}", StringComparison.Ordinal)
            .Replace("values.1", $"values.{layer}", StringComparison.Ordinal).Replace("present.1", $"present.{layer}", StringComparison.Ordinal);
    }
}
