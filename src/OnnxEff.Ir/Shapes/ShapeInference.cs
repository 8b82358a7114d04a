namespace OnnxEff.Ir.Shapes;

/// <summary>
/// Propagates types, symbolic shapes and the values of shape computations through a model.
/// Numbered cases:
/// 1. A type that follows from the inputs replaces a declared one; a declared dimension is used where nothing follows.
/// 2. A dimension of which nothing is known becomes a symbol <c>?name.axis</c>, which is never
///    written to a file.
/// 3. Equalities that operators enforce (inner dimensions of a product, the axes a Concat does not join) unify symbols.
/// 4. An unknown operator leaves its outputs as declared. Contradictions become diagnostics.
/// The symbols in the shapes of token inputs (integers or booleans of rank 1 or 2) are taken to be at least 1: a model is run on
/// at least one row of at least one token. All other symbols may be 0, such as an empty past.
/// </summary>
public static class ShapeInference
{
    const int MaxRounds = 8; // Each round but the last has learned an equality; exported graphs take two.

    /// <summary>Sets <see cref="Value.Type"/> of every value that can be known and returns the other facts.</summary>
    /// <param name="model">The model. Its nodes are brought into topological order if they are not.</param>
    /// <param name="rules">The operators known; <see cref="ShapeRules.Standard"/> if null.</param>
    public static ShapeFacts Run(Model model, ShapeRules? rules = null)
    {
        var run = new InferenceRun(model, rules ?? ShapeRules.Standard);
        for (var round = 0; round < MaxRounds && run.Round(); round++)
        {
        }
        return run.Facts();
    }
}
