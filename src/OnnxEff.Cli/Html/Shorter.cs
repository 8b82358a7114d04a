using System.Globalization;
using System.Text;
using OnnxEff.Ir;

namespace OnnxEff.Cli.Html;

/// <summary>Texts of a model as short as a drawing needs them.</summary>
static class Shorter
{
    const int ElementsShown = 6;

    /// <summary>At most so many characters; what is left out at the end is marked.</summary>
    public static string End(string text, int most) => text.Length <= most ? text : $"{Whole(text[..(most - 1)])}…";

    /// <summary>At most so many characters; what is left out at the beginning is marked.</summary>
    public static string Start(string text, int most) => text.Length <= most ? text : $"…{Whole(text[^(most - 1)..])}";

    /// <summary>The last part of a path that still tells where it is: <c>q_proj/MatMul</c>.</summary>
    public static string Name(string name, int most)
    {
        if (name.Length <= most) return name;
        var part = name.IndexOfAny(['/', '.'], name.Length - most + 1);
        return part >= 0 && part < name.Length - most / 2 ? $"…{name[part..]}" : Start(name, most);
    }

    /// <summary><c>f32 [B, S, 64]</c>.</summary>
    /// <param name="type">The type.</param>
    /// <param name="symbols">Shorter names of dimensions; null to keep theirs.</param>
    public static string Type(TensorType? type, Symbols? symbols = null) => type is null ? "" : $"{Element(type.Element)} {Shape(type.Shape, symbols)}".Trim();

    /// <summary><c>f32</c>.</summary>
    public static string Element(ElementType element) => element switch
    {
        ElementType.Undefined => "",
        ElementType.Float32 => "f32",
        ElementType.Float64 => "f64",
        ElementType.Float16 => "f16",
        ElementType.BFloat16 => "bf16",
        ElementType.Bool => "bool",
        ElementType.String => "string",
        _ when element.ToString() is var name && name.Contains("Int", StringComparison.Ordinal) =>
            name.Replace("UInt", "u", StringComparison.Ordinal).Replace("Int", "i", StringComparison.Ordinal),
        _ => element.ToString(),
    };

    /// <summary>A constant: its value where it has few elements, else type and size.</summary>
    public static string Constant(Tensor tensor)
    {
        if (tensor.Count <= ElementsShown && Values(tensor) is { } values) return tensor.Rank == 0 ? values[0] : $"[{string.Join(' ', values)}]";
        return $"{Element(tensor.Element)} {string.Join('×', tensor.Dims.ToArray())}";
    }

    /// <summary>An attribute: its value where it is short.</summary>
    public static string Attribute(AttributeValue attribute) => attribute switch
    {
        IntAttribute a => $"{a.Value}",
        FloatAttribute a => Float(a.Value),
        StringAttribute a => a.Text,
        IntsAttribute a => $"[{string.Join(' ', a.Values)}]",
        FloatsAttribute a => $"[{string.Join(' ', a.Values.Select(value => Float(value)))}]",
        StringsAttribute a => $"[{string.Join(' ', a.Values.Select(Encoding.UTF8.GetString))}]",
        TensorAttribute a => Constant(a.Value),
        GraphAttribute a => $"graph of {a.Value.Nodes.Count} nodes",
        ReferenceAttribute a => $"@{a.Name}",
        _ => "…",
    };

    static string Shape(TensorShape? shape, Symbols? symbols) => shape is null ? "" : $"[{string.Join(", ", shape.Select(dim => Dimension(dim, symbols)))}]";

    // A dimension of which nothing is known has a made-up name.
    static string Dimension(Dim dim, Symbols? symbols) => dim.ToString() is var text && text.Contains('?', StringComparison.Ordinal) ? "?" : symbols?.Shorten(text) ?? text;

    static string[]? Values(Tensor tensor) => tensor.Element == ElementType.Bool ? [.. tensor.ToInt64()!.Select(value => value == 0 ? "false" : "true")]
        : tensor.ToInt64() is { } integers ? [.. integers.Select(value => value == long.MaxValue ? "max" : value == long.MinValue ? "min" : $"{value}")]
        : tensor.ToDouble() is { } numbers ? [.. numbers.Select(value => Float((float)value))]
        : null;

    static string Float(float value) => value.ToString("G4", CultureInfo.InvariantCulture);

    // A pair of surrogates is not cut in two.
    static string Whole(string text) => text.Trim().TrimStart([.. Enumerable.Range(0xDC00, 0x400).Select(c => (char)c)]).TrimEnd([.. Enumerable.Range(0xD800, 0x400).Select(c => (char)c)]);
}
