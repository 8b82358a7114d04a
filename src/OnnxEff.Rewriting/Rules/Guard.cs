namespace OnnxEff.Rewriting;

/// <summary>A condition on a match which the pattern cannot express.</summary>
/// <param name="Holds">The condition.</param>
/// <param name="Because">The sentence about the model that is shown where the condition does not hold.</param>
public sealed record Guard(Func<Match, bool> Holds, string Because);

/// <summary>A rewrite that was not done, although its pattern was found.</summary>
/// <param name="Rule">Name of the rule or pass.</param>
/// <param name="NodeName">The node in the user's file.</param>
/// <param name="Sentence">Why not, as a statement about the model.</param>
public sealed record Refusal(string Rule, string NodeName, string Sentence)
{
    /// <summary>The node at which the search had begun, where that is another one; else empty.</summary>
    public string RootName { get; init; } = "";

    /// <summary>The refusal in one line.</summary>
    public override string ToString() => $"{Rule} at '{NodeName}': {Sentence}";
}

/// <summary>How a rewrite changes the numbers that a model computes.</summary>
public enum Exactness
{
    /// <summary>Not at all.</summary>
    Exact,
    /// <summary>By the order in which floating-point numbers are added and multiplied, nothing else.</summary>
    Reassociates,
    /// <summary>By more; the effect must be measured.</summary>
    Approximates,
}
