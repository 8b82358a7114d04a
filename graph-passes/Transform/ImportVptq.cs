using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Transform;

/// <summary>A product whose weight came from a checkpoint.</summary>
/// <param name="NodeName">The node that it replaced.</param>
/// <param name="Layers">The checkpoint's layers: several where the graph had joined them.</param>
/// <param name="BytesBefore">Of the graph's weight.</param>
/// <param name="BytesAfter">Of codes, codebooks and all other side data.</param>
public sealed record ImportedLinear(string NodeName, IReadOnlyList<string> Layers, long BytesBefore, long BytesAfter);

/// <summary>
/// llm.Linear(x, w, b) ⇒ VptqMatMul(x, codes, …, b) with the weight and bias of the checkpoint's layer that the weight's name or the node's tells;
/// of several layers in one product ⇒ Concat of one each. Left alone, with the reason: products that no layer is named like, that have
/// other sizes, or a bias where the layer has none.
/// </summary>
/// <param name="model">The model as it was read, whose names tell.</param>
/// <param name="layers">Names of the checkpoint's layers.</param>
/// <param name="read">Reads one of them.</param>
public sealed class ImportVptq(Model model, IReadOnlyList<string> layers, Func<string, VptqCodes> read) : GraphPass
{
    readonly WeightNames _names = new(model);
    readonly ModulePaths _paths = new(layers);
    readonly List<ImportedLinear> _imported = [];

    /// <inheritdoc/>
    public override string Name => "import-vptq";

    /// <inheritdoc/>
    public override string Summary => "llm.Linear(x, w, b) ⇒ VptqMatMul(x, codes, …, b)";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Approximates;

    /// <summary>What was replaced.</summary>
    public IReadOnlyList<ImportedLinear> Imported => _imported;

    /// <summary>Layers of the checkpoint that no product was found for.</summary>
    public IEnumerable<string> Unused => layers.Except(_imported.SelectMany(linear => linear.Layers));

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        var before = _imported.Count;
        foreach (var node in context.Model.AllGraphs.SelectMany(g => g.Nodes).Where(n => n.Is(Vocabulary.Linear, Vocabulary.Domain)).ToArray())
        {
            if (_paths.Of([node.Input(1)?.Name ?? "", Match.NameOf(node), .. _names.Of(node.Name)]) is not { } named)
                context.Refuse(this, node, "no layer of the checkpoint is named like it");
            else if (named.Select(read).ToArray() is var codes && Refusal(node, codes) is { } refusal)
                context.Refuse(this, node, refusal);
            else
                Replace(node, named, codes);
        }
        return new(_imported.Count - before);
    }

    static string? Refusal(Node linear, VptqCodes[] codes)
    {
        var (k, n) = Sizes(linear);
        var (inputs, outputs) = (codes[0].Layout.Inputs, codes.Sum(c => (long)c.Layout.Outputs));
        return codes.Any(c => c.Layout.Inputs != k) || outputs != n ? $"it multiplies {k} inputs to {n} outputs, and the checkpoint {inputs} to {outputs}"
            : codes.Any(c => c.Bias is null == linear.Input(2) is not null) ? "of the graph and the checkpoint only one has a bias"
            : linear.Input(0)?.Type?.Element is not (ElementType.Float32 or ElementType.Float16) ? "its activations are neither fp32 nor fp16"
            : null;
    }

    static (long? K, long? N) Sizes(Node linear)
    {
        if (linear.Text("format").Length > 0) return (linear.Int("K"), linear.Int("N"));
        var shape = linear.Input(1)?.Type?.Shape;
        var isTransposed = linear.Int("transposed") != 0;
        return shape is { Rank: 2 } ? (shape[isTransposed ? 1 : 0].Constant, shape[isTransposed ? 0 : 1].Constant) : (null, null);
    }

    void Replace(Node linear, IReadOnlyList<string> named, VptqCodes[] codes)
    {
        var build = new GraphBuilder(linear.Graph, Match.NameOf(linear));
        var parts = new Value[named.Count];
        for (var i = 0; i < parts.Length; i++) parts[i] = Product(build, linear, named[i], codes[i].WithOneSideType());
        var bytes = linear.Inputs.Skip(1).Sum(w => w?.Constant?.Data.Length ?? 0);
        _imported.Add(new(Match.NameOf(linear), named, bytes, codes.Sum(c => c.Bytes)));
        var result = parts.Length == 1 ? parts[0] : build.Op("Concat", parts, linear.Result.Type, ("axis", new IntAttribute(-1)));
        Replacement.Put(linear.Result, result, isNew: true);
        Replacement.RemoveIfUnused(linear);
    }

    static Value Product(GraphBuilder build, Node linear, string layer, VptqCodes codes)
    {
        Value?[] inputs = [linear.Input(0), .. VptqMatMul.Tensors(codes).Select(t => t.Tensor is null ? null : linear.Graph.AddConstant(t.Tensor, $"{layer}.{t.Name}"))];
        var node = build.Node(VptqMatMul.Schema.Name, OnnxEffOperators.Domain, inputs,
            [("K", new IntAttribute(codes.Layout.Inputs)), ("N", new IntAttribute(codes.Layout.Outputs))]);
        var type = linear.Result.Type;
        return build.Output(node, layer, type?.Shape is { Rank: > 0 } shape ? type with { Shape = new TensorShape([.. shape.Take(shape.Rank - 1), Dim.Of(codes.Layout.Outputs)]) } : null);
    }
}
