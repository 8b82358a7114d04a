using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Layers;

/// <summary>A place in a raised graph that has a meaning.</summary>
/// <param name="Node">The node that stands for it.</param>
/// <param name="Meaning">One of <see cref="Meanings"/>.</param>
/// <param name="Became">What it is now; null if it was left.</param>
/// <param name="Sentence">Facts about it, or why it was left.</param>
/// <param name="EndName">Where recognition ended; null for the node itself.</param>
sealed record Part(Node Node, string Meaning, string? Became, string Sentence, string? EndName = null);

/// <summary>What the parts of a layer can mean, in the order of reports.</summary>
public static class Meanings
{
    /// <summary>softmax(q·kᵀ)·v.</summary>
    public const string Attention = "attention";

    /// <summary>The rotation of an attention's queries and keys.</summary>
    public const string Rotary = "rotary";

    /// <summary>RMS norms and layer norms.</summary>
    public const string Norm = "norm";

    /// <summary>What stands between the linear layers of a feed-forward part.</summary>
    public const string Mlp = "mlp";

    /// <summary>Products with constant matrices.</summary>
    public const string Linear = "linear";

    /// <summary>Lookups of token ids and positions in tables.</summary>
    public const string Embedding = "embedding";

    /// <summary>Those that <c>--require</c> takes.</summary>
    public static IReadOnlyList<string> All { get; } = [Attention, Rotary, Norm, Mlp, Linear];

    /// <summary>The meaning that a rule or pass is about; its own name if it is about none of them.</summary>
    public static string Of(string rule) => s_words.FirstOrDefault(w => rule.Contains(w.Word, StringComparison.Ordinal)).Meaning ?? rule;

    static readonly (string Word, string Meaning)[] s_words = [("attention", Attention), ("norm", Norm), ("gelu", Mlp), ("gate", Mlp),
        ("activation", Mlp), ("linear", Linear), ("gemm", Linear), ("matmul", Linear)];

    /// <summary>The place of a meaning in reports.</summary>
    internal static int Rank(string meaning) => meaning switch
    {
        Attention => 0,
        Rotary => 1,
        Norm => 2,
        Mlp => 3,
        Linear => 4,
        Embedding => 5,
        _ => 6,
    };
}
