using OnnxEff.GraphPasses.Layers;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses;

/// <summary>What lowering may use.</summary>
public enum Target
{
    /// <summary>Operators of the OnnxEff library, and the contrib operators of ONNX Runtime.</summary>
    OnnxEff,
    /// <summary>Contrib operators of ONNX Runtime 1.30 and later; no library.</summary>
    Ort,
    /// <summary>Standard ONNX operators.</summary>
    Onnx,
}

/// <summary>What to do to a model.</summary>
public sealed record OptimizeOptions
{
    /// <summary>What lowering may use.</summary>
    public Target Target { get; init; } = Target.OnnxEff;

    /// <summary>Passes to run, of those in the target's pipeline and in its order; null for all.</summary>
    public IReadOnlyList<string>? Passes { get; init; }

    /// <summary>
    /// True if a row may hold several documents, one behind the other, each of which begins with position 0: queries then see keys of
    /// their own document only. Keys of the cache belong to what goes on without a position 0.
    /// </summary>
    public bool PackedDocuments { get; init; }

    /// <summary>True to leave gate and up of a feed-forward part two products: what quantises them next gives each its own codebook and scales of columns then.</summary>
    public bool GatesApart { get; init; }

    /// <summary>Passes that run on the raised graph, each with the reason why: those that change what a model computes.</summary>
    public IReadOnlyList<PipelineStep> Transforms { get; init; } = [];

    /// <summary>True to record near misses for <see cref="OptimizeReport.NearMisses"/>.</summary>
    public bool Explain { get; init; }

    /// <summary>Called with the name of each pass before it runs.</summary>
    public IProgress<string>? Progress { get; init; }
}

/// <summary>A pass as users see it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Exactness">What it does to the numbers.</param>
/// <param name="Summary">Its equation.</param>
/// <param name="Targets">The targets in whose pipeline it stands.</param>
public sealed record PassInfo(string Name, Exactness Exactness, string Summary, IReadOnlyList<Target> Targets);

/// <summary>What became of one meaning in one layer, or of one part of it that was left.</summary>
/// <param name="Layer">The layer, counted from 0; −1 for what belongs to none.</param>
/// <param name="Meaning">One of <see cref="Meanings"/>, or the name of the pass that refused.</param>
/// <param name="NodeName">The node in the user's file: of several the first, and where it was left the one at which recognition ended.</param>
/// <param name="Became">What it is now; null if it was left.</param>
/// <param name="Sentence">Facts about it, or why it was left.</param>
/// <param name="Count">The number of parts that are alike.</param>
public sealed record LayerReport(int Layer, string Meaning, string NodeName, string? Became, string Sentence, int Count = 1)
{
    /// <summary>True if the part was found and left as it was.</summary>
    public bool IsRefused => Became is null;
}

/// <summary>Sizes of a model.</summary>
/// <param name="Nodes">Number of nodes, also in subgraphs; constants are no nodes.</param>
/// <param name="Operators">Number of nodes of each operator.</param>
/// <param name="WeightBytes">Bytes of all initializers, each tensor once.</param>
/// <param name="CacheBytesPerToken">Bytes that one token takes in the KV cache; null if the model has none.</param>
public sealed record ModelSize(int Nodes, IReadOnlyDictionary<string, int> Operators, long WeightBytes, long? CacheBytesPerToken);

/// <summary>What optimising a model did.</summary>
public sealed record OptimizeReport
{
    /// <summary>What lowering could use.</summary>
    public required Target Target { get; init; }

    /// <summary>The passes in the order they ran.</summary>
    public required IReadOnlyList<PassReport> Passes { get; init; }

    /// <summary>What became of each meaning in each layer, in order.</summary>
    public required IReadOnlyList<LayerReport> Layers { get; init; }

    /// <summary>The same over all layers: one line for each thing that happened, with the first layer and node it happened to.</summary>
    public IEnumerable<LayerReport> AlikeParts => Layers.GroupBy(layer => (layer.Meaning, layer.Became, layer.Sentence))
        .Select(group => group.First() with { Count = group.Sum(layer => layer.Count) });

    /// <summary>The number of layers: of attentions, raised or not.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Sizes before.</summary>
    public required ModelSize Before { get; init; }

    /// <summary>Sizes after.</summary>
    public required ModelSize After { get; init; }

    /// <summary>Candidates at which a rule ended, deepest first; empty unless asked for.</summary>
    public IReadOnlyList<TraceEntry> NearMisses { get; init; } = [];
}
