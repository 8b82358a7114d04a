using System.Globalization;
using System.Text;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.Cli;

/// <summary>The reference of the operators, from their declarations.</summary>
public static class OperatorsDocument
{
    /// <summary>Markdown with LF line ends.</summary>
    public static string Text()
    {
        var text = new StringBuilder();
        text.Append($"""
            # Operators of the domain `{OnnxEffOperators.Domain}`, version {OnnxEffOperators.Version}

            Written by `onnxeff emit operators` from the declarations in `src/OnnxEff.Ops`; a test keeps both equal.

            """.ReplaceLineEndings("\n"));
        foreach (var schema in OnnxEffOperators.All) Append(text, schema);
        return text.ToString();
    }

    static void Append(StringBuilder text, OperatorSchema schema)
    {
        text.Append($"\n## {schema.Name}\n\nSince version {schema.Since}. {schema.Documentation}\n");
        Parameters(text, "Input", schema.Inputs);
        Parameters(text, "Output", schema.Outputs);
        text.Append("\n| Attribute | Type | Default | Meaning |\n|---|---|---|---|\n");
        foreach (var attribute in schema.Attributes)
        {
            var standard = attribute.Default is { } value ? value.ToString(CultureInfo.InvariantCulture) : "required";
            text.Append($"| `{attribute.Name}` | {(attribute.Kind == ElementType.Int64 ? "int" : "float")} | {standard} | {Cell(attribute.Documentation)} |\n");
        }
        text.Append('\n');
        foreach (var variable in schema.Types)
            text.Append($"- `{variable.Name}`: {string.Join(", ", variable.Kinds.Select(kind => kind.ToString().ToLowerInvariant()))}\n");
    }

    static void Parameters(StringBuilder text, string title, ParameterSchema[] parameters)
    {
        text.Append($"\n| {title} | Type | Axes | Meaning |\n|---|---|---|---|\n");
        foreach (var parameter in parameters)
            text.Append($"| `{parameter.Name}`{(parameter.Optional ? " (optional)" : "")} | {parameter.Type} | `[{Cell(parameter.Axes)}]` | {Cell(parameter.Documentation)} |\n");
    }

    static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
