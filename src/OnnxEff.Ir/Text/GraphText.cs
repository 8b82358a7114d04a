namespace OnnxEff.Ir.Text;

/// <summary>
/// Graphs as text, for tests and for reading:
/// <code>
/// graph     = "(" [param {"," param}] ")" "->" "(" [name {"," name}] ")" "{" {statement} "}"
/// param     = name [":" type] ["=" payload]
/// statement = name ":" type "=" payload                                   an initializer
///           | result {"," result} "=" operator ["{" attribute {"," attribute} "}"] "(" [operand {"," operand}] ")"
/// result    = (name | "_") [":" type]
/// operator  = [domain "."] name
/// operand   = name | "_" (left out) | integer (int64) | float (float32) | "[" integers "]" (int64 vector)
/// attribute = name "=" (integer | float | string | "[" values "]" | type payload | graph)
/// type      = element ["[" dims "]"] , such as float32[B, 2*S] ; without brackets the rank is not known
/// payload   = "{" values "}" | "{...}" , which stands for zeros
/// </code>
/// A float has a point or an exponent. Names other than letters, digits, <c>_ . / ?</c> stand in double quotes.
/// Subgraphs see the names around them.
/// </summary>
public static class GraphText
{
    /// <summary>Reads a graph.</summary>
    /// <exception cref="FormatException">The text is no graph; the message says where.</exception>
    public static Graph Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new GraphTextReader(text).ReadAll();
    }

    /// <summary>Writes a graph; payloads of more than 16 elements are left out.</summary>
    public static string ToText(this Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return GraphTextWriter.Write(graph, "");
    }
}
