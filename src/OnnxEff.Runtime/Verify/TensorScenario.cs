using OnnxEff.Ir;

namespace OnnxEff.Runtime;

/// <summary>Inputs for one run of a graph that is no decoder.</summary>
/// <param name="Name">What it exercises.</param>
/// <param name="Feeds">A tensor for each input.</param>
/// <param name="Mask">The name of the input among them that says which tokens are padding; null without one.</param>
sealed record TensorScenario(string Name, IReadOnlyDictionary<string, Tensor> Feeds, string? Mask)
{
    /// <summary>True if the token of a row is no padding.</summary>
    public bool IsToken(long row, long token) => Mask is null || Feeds[Mask].ToInt64()![(row * Feeds[Mask].Dims[1]) + token] != 0;

    /// <summary>One row and several, long and short, padded on either side where there is a mask.</summary>
    /// <param name="graph">The graph whose inputs they fit.</param>
    /// <param name="length">Tokens of the longest row.</param>
    /// <param name="seed">Equal seeds give equal inputs.</param>
    public static IEnumerable<TensorScenario> Seeded(Graph graph, int length, int seed)
    {
        var inputs = graph.Inputs.Where(i => i.Initializer is null).ToList();
        var makers = inputs.ToDictionary(i => i, i => new InputMaker(i));
        var mask = inputs.Find(i => i.Type is { Shape.Rank: 2 } && !makers[i].IsIndex && makers[i].HoldsIntegers);
        var random = new Random(seed);
        (string Name, int Rows, int Tokens, Func<int, int, bool> IsToken)[] plans =
        [
            ("one row", 1, length, (_, _) => true), ("one token", 1, 1, (_, _) => true), ("several rows", 3, length / 2, (_, _) => true),
            .. mask is null ? [] : ((string, int, int, Func<int, int, bool>)[])
            [
                ("padded on the right", 3, length / 2, (row, token) => token < (length / 2) - (row * length / 8)),
                ("padded on the left", 3, length / 2, (row, token) => token >= row * length / 8),
            ],
        ];
        foreach (var (name, rows, tokens, isToken) in plans)
        {
            var sizes = new Dictionary<string, long>();
            foreach (var input in inputs.OrderByDescending(i => makers[i].HoldsIntegers)) // They say best what a row and what a token is.
                Bind(input, sizes, rows, tokens);
            yield return new(name, inputs.ToDictionary(i => i.Name, i => makers[i].Make(Dims(i, sizes), random, i == mask ? isToken : null)), mask?.Name);
        }
    }

    /// <summary>The first axis counts rows, others tokens; of more than two axes those that the file leaves open may be empty, as a cache is.</summary>
    static void Bind(Value input, Dictionary<string, long> sizes, int rows, int tokens)
    {
        var shape = input.Type!.Shape!;
        for (var axis = 0; axis < shape.Rank; axis++)
        {
            if (shape[axis].IsSymbol)
                sizes.TryAdd(shape[axis].ToString(), axis == 0 ? rows : shape.Rank > 3 ? 0 : tokens);
        }
    }

    static long[] Dims(Value input, Dictionary<string, long> sizes) => [.. input.Type!.Shape!.AsEnumerable().Select(d => d.Evaluate(sizes)
        ?? throw new NotSupportedException($"The size {d} of the input {input} does not follow from the sizes of other inputs."))];
}
