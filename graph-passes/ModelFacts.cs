using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses;

/// <summary>The architecture of one attention.</summary>
/// <param name="NodeName">The node in the user's file.</param>
/// <param name="Heads">Hq.</param>
/// <param name="KvHeads">Hkv.</param>
/// <param name="HeadSize">D.</param>
/// <param name="Scale">Factor of the logits.</param>
/// <param name="Softcap">Soft cap of the logits, or 0.</param>
/// <param name="Mask">What the mask means and how that was established.</param>
/// <param name="Rotary">What the rotation is; empty without one.</param>
/// <param name="HasCache">True if past and present were taken in.</param>
public sealed record AttentionFacts(string NodeName, int Heads, int KvHeads, int HeadSize, float Scale, float Softcap, string Mask, string Rotary, bool HasCache)
{
    /// <summary>Reads a raised node.</summary>
    public static AttentionFacts Of(LlmAttention a) =>
        new(a.Node.Name, a.Heads, a.KvHeads, a.HeadSize, a.Scale, a.Softcap, a.MaskFact, a.RotaryFact, a[AttentionInput.PastKey] is not null);
}

/// <summary>What a model is, as far as it was recognised.</summary>
public sealed record ModelFacts
{
    /// <summary>Tool that wrote the file, with its version.</summary>
    public required string Exporter { get; init; }

    /// <summary>Imported operator sets.</summary>
    public required IReadOnlyDictionary<string, long> Opsets { get; init; }

    /// <summary>Sizes.</summary>
    public required ModelSize Size { get; init; }

    /// <summary>Bytes of the initializers by element type.</summary>
    public required IReadOnlyDictionary<ElementType, long> WeightBytesByType { get; init; }

    /// <summary>Roles of the inputs; null if they are not those of a decoder, see <see cref="SignatureRefusal"/>.</summary>
    public DecoderSignature? Signature { get; init; }

    /// <summary>Why the inputs are not those of a decoder.</summary>
    public string SignatureRefusal { get; init; } = "";

    /// <summary>Inputs with their types.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>Outputs with their types.</summary>
    public required IReadOnlyList<string> Outputs { get; init; }

    /// <summary>One entry for each attention, in order.</summary>
    public required IReadOnlyList<AttentionFacts> Attentions { get; init; }

    /// <summary>Number of RMS and layer norms.</summary>
    public required int Norms { get; init; }

    /// <summary>Entries of the vocabulary, if known.</summary>
    public long? Vocabulary { get; init; }

    /// <summary>Width of the hidden states, if known.</summary>
    public long? HiddenSize { get; init; }

    /// <summary>What was found and left.</summary>
    public required IReadOnlyList<LayerReport> Refused { get; init; }
}
