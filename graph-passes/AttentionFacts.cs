using System.Globalization;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses;

/// <summary>The architecture of one attention.</summary>
/// <param name="Heads">Hq.</param>
/// <param name="KvHeads">Hkv.</param>
/// <param name="HeadSize">D.</param>
/// <param name="ValueHeadSize">Dv.</param>
/// <param name="Scale">Factor of the logits.</param>
/// <param name="Softcap">Soft cap of the logits, or 0.</param>
/// <param name="HasSinks">True if each head has a logit that takes part in the denominator only.</param>
/// <param name="Mask">What the mask means and how that was established.</param>
/// <param name="Rotary">What the rotation is; empty without one.</param>
/// <param name="Cache">How new keys and values join those before: "none", "appended", "appended by row lengths", "written by the graph".</param>
public sealed record AttentionFacts(int Heads, int KvHeads, int HeadSize, int ValueHeadSize, float Scale, float Softcap, bool HasSinks,
    string Mask, string Rotary, string Cache)
{
    /// <summary>Reads a raised node.</summary>
    public static AttentionFacts Of(LlmAttention a) => new(a.Heads, a.KvHeads, a.HeadSize, a.ValueHeadSize, a.Scale, a.Softcap,
        a[AttentionInput.Sinks] is not null, a.MaskFact, a.RotaryFact + (a.RotaryFact.Length > 0 && a.RotaryInterleaved ? ", interleaved" : ""),
        a[AttentionInput.PastKey] is null ? "none" : !a.Appends ? "written by the graph" : a[AttentionInput.SeqlensK] is null ? "appended" : "appended by row lengths");

    /// <summary>The facts in words; the usual scale 1/√D is not among them.</summary>
    public override string ToString()
    {
        var invariant = CultureInfo.InvariantCulture;
        string[] facts =
        [
            $"{Heads}/{KvHeads} heads of {HeadSize}{(ValueHeadSize == HeadSize ? "" : $", values of {ValueHeadSize}")}",
            Mask,
            .. Math.Abs((Scale * Math.Sqrt(HeadSize)) - 1) > 1e-5 ? [string.Create(invariant, $"scale {Scale:G6}")] : (string[])[],
            .. Softcap != 0 ? [string.Create(invariant, $"soft cap {Softcap:G6}")] : (string[])[],
            .. HasSinks ? ["sinks"] : (string[])[],
            Cache == "none" ? "no cache" : $"cache {Cache}",
        ];
        return string.Join("; ", facts);
    }
}
