using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Normalise;

/// <summary>Removes nodes and initializers on which no output depends, also in subgraphs. Inputs stay.</summary>
public sealed class RemoveDead : GraphPass
{
    /// <inheritdoc/>
    public override string Name => "remove-dead";

    /// <inheritdoc/>
    public override string Summary => "x unused ⇒ ∅";

    /// <inheritdoc/>
    public override PassResult Run(PassContext context) => new(context.Model.Graph.RemoveDead(), KeepsTypes: true);
}
