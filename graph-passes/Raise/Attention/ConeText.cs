using System.Text;
using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>A cone as text that is equal for cones that compute the same function: layers are alike, so one is evaluated for all.</summary>
static class ConeText
{
    /// <summary>The text; null if the cone holds attributes that have none.</summary>
    public static string? Of(HiddenCone cone)
    {
        var names = new Dictionary<Value, string> { [cone.From] = "x" };
        for (var i = 0; i < cone.Angles.Count; i++)
            names[cone.Angles[i]] = $"angle{i}";
        var text = new StringBuilder($"{cone.From.Type} {cone.To.Type} {string.Join(' ', cone.Angles.Select(a => a.Type))}\n");
        foreach (var node in cone.Nodes)
        {
            text.Append(node.Domain).Append('.').Append(node.OpType);
            foreach (var (name, value) in node.Attributes)
            {
                if (Text(value) is not { } written)
                    return null;
                text.Append(' ').Append(name).Append('=').Append(written);
            }
            foreach (var input in node.Inputs)
                text.Append(' ').Append(input is null ? "_" : names.TryGetValue(input, out var name) ? name : Outside(input));
            foreach (var output in node.Outputs)
                text.Append(" >").Append(names[output] = $"v{names.Count}");
            text.Append('\n');
        }
        return text.ToString();
    }

    // Equal constants are one value by now; small ones are written out in case they are not.
    static string Outside(Value value) => value.Constant is { Count: <= 16 } small && small.ToDouble() is { } numbers
        ? $"{small.Element}[{string.Join(',', small.Dims.ToArray())}]({string.Join(',', numbers)})" : $"'{value.Name}'";

    static string? Text(AttributeValue value) => value switch
    {
        IntAttribute i => i.Value.ToString(),
        FloatAttribute f => f.Value.ToString("R"),
        StringAttribute s => s.Text,
        IntsAttribute n => string.Join(',', n.Values),
        _ => null,
    };
}
