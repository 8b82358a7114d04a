using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses;

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

    /// <summary>One entry for each attention, raised or not, in order.</summary>
    public required IReadOnlyList<LayerFacts> Layers { get; init; }

    /// <summary>Entries of the vocabulary, if known.</summary>
    public long? Vocabulary { get; init; }

    /// <summary>Width of the hidden states, if known.</summary>
    public long? HiddenSize { get; init; }

    /// <summary>What was found and left.</summary>
    public required IReadOnlyList<LayerReport> Refused { get; init; }
}
