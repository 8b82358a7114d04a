using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Ops.Llm;

namespace OnnxEff.Compression;

/// <summary>A product that keeps its weight.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Sentence">Why.</param>
public sealed record SkippedLinear(string Node, string Sentence);

/// <summary>What of a model can be quantised.</summary>
/// <param name="Sites">Products by the value that they read, in the order of the graph.</param>
/// <param name="Skipped">Products that are left.</param>
public sealed record FoundLinears(IReadOnlyList<LinearSite> Sites, IReadOnlyList<SkippedLinear> Skipped)
{
    /// <summary>All products.</summary>
    public IEnumerable<ConstantLinear> Linears => Sites.SelectMany(site => site.Linears);

    /// <summary>Their weights.</summary>
    public long Weights => Sites.Sum(site => site.Weights);

    /// <summary>The same with products left that have a reason for it.</summary>
    public FoundLinears Without(Func<ConstantLinear, string?> reason)
    {
        var left = Linears.Select(linear => (Linear: linear, Because: reason(linear))).Where(pair => pair.Because is not null).ToDictionary(pair => pair.Linear, pair => pair.Because!);
        return new([.. Sites.Select(site => site with { Linears = [.. site.Linears.Where(linear => !left.ContainsKey(linear))] }).Where(site => site.Linears.Count > 0)],
            [.. Skipped, .. left.Select(pair => new SkippedLinear(pair.Key.Name, pair.Value))]);
    }
}

/// <summary>
/// Finds the linear layers of a decoder whose graph was normalised: MatMul with a constant matrix, or with the Transpose of one. Left are the product that
/// makes the logits, weights that something else reads too (a tied embedding), and what is stored in few bits already.
/// </summary>
public static class LinearFinder
{
    /// <summary>Finds them.</summary>
    /// <param name="graph">The main graph, sorted.</param>
    /// <param name="signature">What its outputs mean.</param>
    public static FoundLinears Find(Graph graph, DecoderSignature signature)
    {
        var sites = new Dictionary<Value, List<ConstantLinear>>();
        var skipped = new List<SkippedLinear>();
        foreach (var node in graph.Nodes)
        {
            if (StoredAs(node) is { } form) skipped.Add(new(NameOf(node), $"its weight is stored {form} already"));
            if (!node.Is("MatMul") || Constant(node) is not { } linear) continue;
            if (Refusal(linear, signature) is { } sentence) skipped.Add(new(linear.Name, sentence));
            else if (sites.TryGetValue(linear.Input, out var site)) site.Add(linear);
            else sites.Add(linear.Input, [linear]);
        }
        return new([.. sites.Select(site => new LinearSite(site.Key, site.Value))], skipped);
    }

    static string? StoredAs(Node node) => (node.Domain, node.OpType) switch
    {
        ("com.microsoft", "MatMulNBits") => $"in {node.Int("bits", 4)} bits",
        (OnnxEffOperators.Domain, "VqMatMul" or "VptqMatMul") => "as vectors of a codebook",
        (OnnxEffOperators.Domain, "AffineMatMul") => "on a grid of few bits",
        _ => null,
    };

    static ConstantLinear? Constant(Node node) => node.Input(1) switch
    {
        { Constant: { Rank: 2 } } weight => new(node, weight, IsByOutputs: false),
        { Producer: { OpType: "Transpose", Domain: "" } transpose } when transpose.Input(0) is { Constant: { Rank: 2 } } weight
            && transpose.Ints("perm") is null or [1, 0] => new(node, transpose.Input(0)!, IsByOutputs: true),
        _ => null,
    };

    static string? Refusal(ConstantLinear linear, DecoderSignature signature) =>
        linear.Weight.Uses.Any(use => use.Node.OpType is "Gather" or "GatherBlockQuantized") ? "its weight is the embedding table too"
        : Reaches(linear.Node.Result, signature.Logits) ? "it makes the logits"
        : linear.Weight.Constant!.Element is not (ElementType.Float32 or ElementType.Float16) ? $"its weight holds {linear.Weight.Constant.Element}, neither fp32 nor fp16"
        : linear.Input.Constant is not null ? "it multiplies a constant"
        : Uses(linear) > 1 ? "several products share its weight"
        : null;

    static int Uses(ConstantLinear linear) => linear.IsByOutputs ? linear.Weight.Uses.Sum(use => use.Node.Result.Uses.Count) : linear.Weight.Uses.Count;

    /// <summary>True if a value becomes the logits with nothing but work on single numbers in between.</summary>
    static bool Reaches(Value value, Value logits)
    {
        const int Depth = 8;
        for (var depth = 0; depth < Depth; depth++)
        {
            if (ReferenceEquals(value, logits)) return true;
            if (value.Uses is not [var use] || use.Node.OpType is not ("Cast" or "Identity" or "Add" or "Mul" or "Div" or "Tanh" or "Reshape" or "Squeeze")) return false;
            value = use.Node.Result;
        }
        return false;
    }

    static string NameOf(Node node) => node.Name.Length > 0 ? node.Name : node.Result.Name;
}
