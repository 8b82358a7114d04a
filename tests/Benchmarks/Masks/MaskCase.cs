using OnnxEff.Ops;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.Masks;

/// <summary>A mask over N tokens that all see each other as far as it lets them.</summary>
/// <param name="Name">How reports call it.</param>
/// <param name="Places">What places decide.</param>
sealed record MaskCase(string Name, PlanAttributes Places)
{
    const int Seed = 5, Trunk = 1024, Branches = 16, Globals = 64, Prefix = 1024;

    // As the graph pass chooses it for four heads that share keys.
    static readonly PlanAttributes s_all = new() { BlockQ = 48 };
    static readonly PlanAttributes s_causal = s_all with { Causal = true };

    /// <summary>Inputs of the plan beside its extent, by name.</summary>
    public Func<int, (string Name, OrtTensor Tensor)[]> Inputs { get; init; } = _ => [];

    /// <summary>The masks of a run.</summary>
    public static IReadOnlyList<MaskCase> All { get; } =
    [
        new("causal", s_causal),
        new("packed documents", s_causal) { Inputs = n => [("document_ids", Row(Documents(n)))] },
        new("window 512", s_causal with { Window = 512 }),
        new("global + window 512", s_causal with { Window = 512 }) { Inputs = n => [("global_keys", Row([.. Enumerable.Range(0, n).Select(key => key < Globals ? 1L : 0L)]))] },
        new("prefix 1024", s_causal) { Inputs = n => [("prefix_lengths", OrtTensor.From<long>([Math.Min(Prefix, n / 2)], 1))] },
        new("tree", s_all) { Inputs = n => [("parents", Row(Tree(n)))] },
    ];

    static OrtTensor Row(long[] values) => OrtTensor.From<long>(values, 1, values.Length);

    // Documents of 256 to 1536 tokens.
    static long[] Documents(int n)
    {
        var random = new Random(Seed);
        var ids = new long[n];
        for (int at = 0, id = 0; at < n; id++)
        {
            int length = Math.Min(n - at, random.Next(256, 1537));
            Array.Fill(ids, id, at, length);
            at += length;
        }
        return ids;
    }

    // Chains that all begin at the end of one.
    static long[] Tree(int n)
    {
        int trunk = Math.Min(Trunk, n / 2), branch = Math.Max(1, (n - trunk) / Branches);
        return [.. Enumerable.Range(0, n).Select(token => token <= trunk || (token - trunk) % branch != 0 ? token - 1L : trunk - 1L)];
    }
}
