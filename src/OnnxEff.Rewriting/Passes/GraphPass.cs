namespace OnnxEff.Rewriting;

/// <summary>One step of a pipeline: changes the model of its context, or says why it does not.</summary>
public abstract class GraphPass
{
    /// <summary>Unique kebab-case name.</summary>
    public abstract string Name { get; }

    /// <summary>What it does, as an equation in one line.</summary>
    public abstract string Summary { get; }

    /// <summary>What it does to the numbers.</summary>
    public virtual Exactness Exactness => Exactness.Exact;

    /// <summary>Runs the pass.</summary>
    /// <exception cref="InvalidOperationException">A fault in the pass; the message names rule and node.</exception>
    public abstract PassResult Run(PassContext context);
}

/// <summary>What a pass did.</summary>
/// <param name="Applied">Number of changes; 0 if the model is as it was.</param>
/// <param name="KeepsTypes">True if all values still have their types and no more can be known about them than before, so
/// that shapes need not be inferred anew.</param>
public sealed record PassResult(int Applied, bool KeepsTypes = false)
{
    /// <summary>The model is as it was.</summary>
    public static PassResult Unchanged { get; } = new(0);
}
