using System.Globalization;
using System.Text;

namespace OnnxEff.Ir.Text;

/// <summary>Prints graphs; the grammar is that of <see cref="GraphText"/>.</summary>
internal static class GraphTextWriter
{
    const int MaxElements = 16;

    /// <summary>A graph whose lines begin with an indentation.</summary>
    public static string Write(Graph graph, string indent)
    {
        var text = new StringBuilder();
        text.Append('(').AppendJoin(", ", graph.Inputs.Select(i => Typed(i) + (i.Initializer is { } t ? $" = {Payload(t)}" : ""))).Append(") -> (")
            .AppendJoin(", ", graph.Outputs.Select(o => Name(o.Name))).Append(") {\n");
        foreach (var value in graph.Initializers.Where(v => !v.IsInput))
        {
            text.Append(indent).Append("  ").Append(Name(value.Name)).Append(": ").Append(Type(value.Initializer!.Type)).Append(" = ")
                .Append(Payload(value.Initializer)).Append('\n');
        }
        foreach (var node in graph.Nodes)
            text.Append(indent).Append("  ").Append(Node(node, indent + "  ")).Append('\n');
        return text.Append(indent).Append('}').ToString();
    }

    /// <summary>A name, quoted where it must be.</summary>
    public static string Name(string name) => name.Length > 0 && name != "_" && !char.IsAsciiDigit(name[0]) && name[0] != '.' && name.All(IsPlain)
        ? name : Quoted(name);

    /// <summary>Characters of names that need no quotes.</summary>
    public static bool IsPlain(char c) => char.IsLetterOrDigit(c) || c is '_' or '.' or '/' or '?';

    static string Node(Node node, string indent)
    {
        var outputs = string.Join(", ", node.Outputs.Select(o => o.Name.Length == 0 ? "_" : Typed(o)));
        var name = node.Domain.Length == 0 ? node.OpType : $"{node.Domain}.{node.OpType}";
        var attributes = node.Attributes.Count == 0 ? ""
            : $"{{{string.Join(", ", node.Attributes.Select(a => $"{Name(a.Key)}={Attribute(a.Value, indent)}"))}}}";
        return $"{outputs} = {Name(name)}{attributes}({string.Join(", ", node.Inputs.Select(i => i is null ? "_" : Name(i.Name)))})";
    }

    static string Attribute(AttributeValue value, string indent) => value switch
    {
        IntAttribute a => Number(a.Value),
        FloatAttribute a => Number(a.Value),
        StringAttribute a => Quoted(a.Text),
        IntsAttribute a => $"[{string.Join(", ", a.Values.Select(Number))}]",
        FloatsAttribute a => $"[{string.Join(", ", a.Values.Select(v => Number(v)))}]",
        StringsAttribute a => $"[{string.Join(", ", a.Values.Select(v => Quoted(Encoding.UTF8.GetString(v))))}]",
        TensorAttribute a => $"{Type(a.Value.Type)} {Payload(a.Value)}",
        GraphAttribute a => Write(a.Value, indent),
        _ => throw new InvalidOperationException($"An attribute of kind {value.GetType().Name} has no text form."),
    };

    static string Typed(Value value) => value.Type is { } type ? $"{Name(value.Name)}: {Type(type)}" : Name(value.Name);

    static string Type(TensorType type)
    {
#pragma warning disable CA1308 // The text form writes types in lower case.
        var element = type.Element.ToString().ToLowerInvariant();
#pragma warning restore CA1308
        return type.Shape is null ? element : $"{element}[{string.Join(", ", type.Shape.AsEnumerable().Select(Dimension))}]";
    }

    static string Dimension(Dim dim)
    {
        var text = dim.ToString();
        return text.All(c => IsPlain(c) || c is '+' or '-' or '*' or '(' or ')' or ' ' or ',') ? text : Quoted(text);
    }

    static string Payload(Tensor tensor)
    {
        if (tensor.Count > MaxElements)
            return "{...}";
        if (tensor.Strings is { } strings)
            return $"{{{string.Join(", ", strings.Select(s => Quoted(Encoding.UTF8.GetString(s))))}}}";
        if (tensor.ToInt64() is { } integers)
            return $"{{{string.Join(", ", integers.Select(Number))}}}";
        return tensor.ToDouble() is { } numbers
            ? $"{{{string.Join(", ", numbers.Select(v => tensor.Element == ElementType.Float64 ? Number(v) : Number((float)v)))}}}" : "{...}";
    }

    static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    static string Number(float value) => WithPoint(value.ToString("R", CultureInfo.InvariantCulture));

    static string Number(double value) => WithPoint(value.ToString("R", CultureInfo.InvariantCulture));

    static string WithPoint(string text) => text.All(c => char.IsAsciiDigit(c) || c == '-') ? $"{text}.0" : text;

    static string Quoted(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
