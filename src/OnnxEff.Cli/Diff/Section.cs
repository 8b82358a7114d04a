using OnnxEff.Ir;

namespace OnnxEff.Cli.Diff;

/// <summary>What a section of a model is.</summary>
enum SectionKind
{
    /// <summary>Before the first layer: the embedding.</summary>
    Before,
    /// <summary>What several layers read: masks, rotary tables, shapes.</summary>
    Shared,
    /// <summary>A layer.</summary>
    Layer,
    /// <summary>Behind the last layer: the last norm, the logits.</summary>
    After,
    /// <summary>A graph in which no layers were found.</summary>
    Whole,
}

/// <summary>A part of a model's graph.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Index">The layer, counted from 0; 0 for other kinds.</param>
/// <param name="Nodes">Its nodes in topological order; at least one.</param>
sealed record Section(SectionKind Kind, int Index, IReadOnlyList<Node> Nodes)
{
    /// <summary>Number of nodes with those in subgraphs; constants are no nodes.</summary>
    public int Size => Nodes.Sum(CountOf);

    /// <summary>True where one operator is the whole attention.</summary>
    public bool HasFusedAttention => Nodes.Any(IsFusedAttention);

    /// <summary>True for an operator that is a whole attention.</summary>
    public static bool IsFusedAttention(Node node) => node.OpType.Contains("Attention", StringComparison.Ordinal);

    static int CountOf(Node node) => (node.Is("Constant") ? 0 : 1) + node.Subgraphs.Sum(graph => graph.Nodes.Sum(CountOf));
}
