using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses;

/// <summary>Says of each layer what its parts became. A layer ends behind its attention's feed-forward part: norms and
/// activations between two attentions belong to the first of them, those before the first to layer 0.</summary>
static class LayerReports
{
    /// <summary>The parts that were raised.</summary>
    public static IEnumerable<LayerReport> OfRaised(Model model, Target target)
    {
        var layer = -1;
        foreach (var node in model.Graph.Nodes)
        {
            if (LlmAttention.Fits(node))
            {
                layer++;
                var attention = new LlmAttention(node);
                yield return new(layer, "attention", node.Name, target switch
                {
                    Target.OnnxEff => "BlockMaskedAttention",
                    Target.Ort => "GroupQueryAttention",
                    _ => "standard operators",
                }, Describe(attention));
            }
            else if (node.Is(Vocabulary.RmsNorm, Vocabulary.Domain))
                yield return new(Math.Max(layer, 0), "norm", node.Name, "RMS norm", $"epsilon {node.Float("epsilon"):G3}");
            else if (node.Is("LayerNormalization"))
                yield return new(Math.Max(layer, 0), "norm", node.Name, "LayerNormalization", $"epsilon {node.Float("epsilon", 1e-5f):G3}");
            else if (node.Is(Vocabulary.GatedActivation, Vocabulary.Domain))
                yield return new(Math.Max(layer, 0), "mlp", node.Name, "gated activation", node.Text("activation"));
            else if (node.Is(Vocabulary.Silu, Vocabulary.Domain) || node.Is(Vocabulary.Gelu, Vocabulary.Domain))
                yield return new(Math.Max(layer, 0), "mlp", node.Name, "activation", node.OpType);
        }
    }

    /// <summary>Adds what was left; of what one pass could not say but another said, the refusal replaces the entry.</summary>
    public static IReadOnlyList<LayerReport> Merge(IReadOnlyList<LayerReport> raised, IEnumerable<Refusal> refusals)
    {
        var merged = raised.ToList();
        foreach (var refusal in refusals)
        {
            var known = merged.FindIndex(r => r.NodeName == refusal.NodeName);
            var report = new LayerReport(known < 0 ? -1 : merged[known].Layer, Meaning(refusal.Rule), refusal.NodeName, null, refusal.Sentence);
            if (known < 0)
                merged.Add(report);
            else
                merged[known] = report;
        }
        return merged;
    }

    static string Meaning(string rule) => rule.Contains("attention", StringComparison.Ordinal) ? "attention"
        : rule.Contains("norm", StringComparison.Ordinal) ? "norm"
        : rule.Contains("gelu", StringComparison.Ordinal) || rule.Contains("silu", StringComparison.Ordinal) ? "mlp"
        : rule.Contains("linear", StringComparison.Ordinal) || rule.Contains("gemm", StringComparison.Ordinal) ? "linear"
        : rule;

    static string Describe(LlmAttention a) => string.Join("; ",
        ((string[])[$"{a.Heads}/{a.KvHeads} heads of {a.HeadSize}", a.MaskFact,
            a.RotaryFact.Length > 0 ? $"rotary {a.RotaryFact}" : "no rotary", a[AttentionInput.PastKey] is null ? "no cache" : "cache inside"]));
}
