using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>The standard operator Attention (opset 23 and 24) over four-dimensional heads.</summary>
static class FusedAttention
{
    /// <summary>True for nodes this recogniser is for.</summary>
    public static bool Fits(Node node) => node.Is("Attention");

    /// <summary>The site around an Attention node, or the sentence why not.</summary>
    public static bool TryMatch(Node node, [NotNullWhen(true)] out AttentionSite? site, out string because)
    {
        site = null;
        because = "";
        var (q, k, v) = (node.Input(0), node.Input(1), node.Input(2));
        if (q?.Type?.Shape?.Rank != 4 || k?.Type?.Shape?.Rank != 4 || v?.Type?.Shape?.Rank != 4)
            because = "its operands are not four-dimensional heads";
        else if (node.Input(4) is not null || node.Input(5) is not null || node.Input(6) is not null)
            because = "it keeps a cache of its own";
        else if (node.Output(3) is not null)
            because = "its logits are read";
        var query = new Heads(q!, HeadLayout.HeadsFirst);
        var (key, value) = (new Heads(k!, HeadLayout.HeadsFirst), new Heads(v!, HeadLayout.HeadsFirst));
        if (because.Length == 0 && (query.Size is null || query.Size != value.Size))
            because = "its heads have no common known size";
        var causal = node.Int("is_causal") != 0;
        // Without a past inside, the standard aligns the triangle with the first key.
        if (because.Length == 0 && causal && query.Tokens != key.Tokens)
            because = "is_causal hides keys from the first key on, which differs from causal order as soon as there is a past";
        if (because.Length > 0)
            return false;
        var scale = node.Float("scale");
        site = new()
        {
            Anchor = node,
            Result = new(node.Result, HeadLayout.HeadsFirst),
            Query = query,
            Key = key,
            Value = value,
            Scale = scale != 0 ? scale : 1 / Math.Sqrt(query.Size!.Value),
            Softcap = node.Float("softcap"),
            IsCausal = causal,
            Masks = node.Input(3) is { } mask
                ? [new(mask, mask.Type?.Element == ElementType.Bool ? MaskForm.ShowsKeys : MaskForm.Additive)] : [],
        };
        return true;
    }
}
