using OnnxEff.Ir;

namespace OnnxEff.Tests.Testing;

/// <summary>Inputs for a decoder's graph, whatever its exporter called them: two rows, three new tokens, nine past ones.</summary>
public static class RandomFeeds
{
    const int Batch = 2, New = 3, Past = 9;

    /// <summary>One tensor for each input; equal seeds give equal tensors.</summary>
    public static Dictionary<string, Tensor> For(Graph graph, int seed = 7)
    {
        var random = new Random(seed);
        var feeds = new Dictionary<string, Tensor>();
        foreach (var input in graph.Inputs.Where(i => i.Initializer is null))
        {
            var shape = input.Type!.Shape!;
            var sizes = shape.SelectMany(d => d.Symbols).Distinct().ToDictionary(s => s, s => Size(s, graph));
            long[] dims = [.. shape.AsEnumerable().Select(d => d.Evaluate(sizes)!.Value)];
            feeds[input.Name] = Fill(input, dims, random);
        }
        return feeds;
    }

    static long Size(string symbol, Graph graph) =>
        symbol == "kv_cache_dim" ? HeadSize(graph) : symbol.Contains("batch", StringComparison.Ordinal) ? (Attention(graph) is null ? Batch : 1) // It continues one row only.
        : symbol.Contains("total", StringComparison.Ordinal) || symbol.Contains('+') || symbol.Contains("kv", StringComparison.Ordinal) ? Past + New
        : symbol.Contains("past", StringComparison.Ordinal) || symbol.Contains("cache", StringComparison.Ordinal) ? Past
        : New;

    // Graphs with this symbol show the head size only in the product that reads the attention's output.
    static long HeadSize(Graph graph)
    {
        var attention = Attention(graph)!;
        var product = attention.Result.Uses[0].Node;
        return product.Int("K", product.Input(1)!.Constant!.Dims[0]) / attention.Int("num_heads");
    }

    static Node? Attention(Graph graph) => graph.Nodes.FirstOrDefault(n => n.Is("GroupQueryAttention", "com.microsoft"));

    static Tensor Fill(Value input, long[] dims, Random random)
    {
        var count = (int)Tensor.CountOf(dims);
        Func<int, long> integer = input.Name.Contains("mask", StringComparison.Ordinal) ? _ => 1
            : input.Name.Contains("token_type", StringComparison.Ordinal) ? _ => 0
            : input.Name.Contains("position", StringComparison.Ordinal) ? i => Past + (i % New)
            : _ => random.Next(200);
        return input.Type!.Element switch
        {
            ElementType.Int64 => Tensor.Create<long>(dims, [.. Enumerable.Range(0, count).Select(integer)]),
            ElementType.Int32 => Tensor.Create<int>(dims, [.. Enumerable.Range(0, count).Select(i => (int)integer(i))]),
            ElementType.Float32 => Tensor.Create<float>(dims, [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)]),
            ElementType.Float16 => Tensor.Create<Half>(dims, [.. Enumerable.Range(0, count).Select(_ => (Half)(random.NextSingle() - 0.5f))]),
            ElementType.Bool => Tensor.Create<bool>(dims, [.. Enumerable.Range(0, count).Select(i => integer(i) != 0)]),
            var other => throw new NotSupportedException($"No random values of type {other}."),
        };
    }
}
