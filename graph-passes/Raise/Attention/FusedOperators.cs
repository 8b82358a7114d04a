using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>The operators that are an attention as a whole and are recognised as such.</summary>
static class FusedOperators
{
    /// <summary>True for one of them.</summary>
    public static bool Fits(Node node) => FusedAttention.Fits(node) || MultiHeadAttention.Fits(node) || PackedWeightsAttention.Fits(node);

    /// <summary>The site around one of them, or the sentence why not.</summary>
    public static bool TryMatch(Node node, long opset, [NotNullWhen(true)] out AttentionSite? site, out string because) =>
        FusedAttention.Fits(node) ? FusedAttention.TryMatch(node, opset, out site, out because)
        : MultiHeadAttention.Fits(node) ? MultiHeadAttention.TryMatch(node, opset, out site, out because)
        : PackedWeightsAttention.TryMatch(node, opset, out site, out because);
}
