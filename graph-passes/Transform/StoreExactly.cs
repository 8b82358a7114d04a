using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Transform;

/// <summary>A weight that is stored on its grid.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Blocks">The stored form.</param>
/// <param name="NodeNames">Nodes that read it.</param>
public sealed record ExactWeight(string Name, AffineBlocks Blocks, IReadOnlyList<string> NodeNames);

/// <summary>
/// MatMul(x, w) ⇒ AffineMatMul(x, blocks), MatMul(x, Transpose(w)) and Gather(w, ids) likewise, for a weight that lies on a grid of at most 8 bits for each block of 32 inputs already:
/// that of a checkpoint which was dequantised before its export. Nothing is lost. Left alone: weights on no such grid, and those that something else reads.
/// </summary>
public sealed class StoreExactly : GraphPass
{
    readonly List<ExactWeight> _stored = [];

    /// <inheritdoc/>
    public override string Name => "store-exactly";

    /// <inheritdoc/>
    public override string Summary => "MatMul(x, w) ⇒ AffineMatMul(x, blocks), where w lies on a grid already";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    /// <summary>What was stored.</summary>
    public IReadOnlyList<ExactWeight> Stored => _stored;

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        var before = _stored.Count;
        foreach (var graph in context.Model.AllGraphs)
            foreach (var weight in graph.Nodes.SelectMany(node => node.Inputs).OfType<Value>().Where(value => value.Constant is { Rank: 2 }).Distinct().ToArray())
            {
                var readers = weight.Uses.Select(Reader.Of).ToArray();
                if (!readers.Any(reader => reader is { IsProduct: true })) continue; // A table of angles, say.
                if (weight.Constant!.Element != ElementType.Float32) Refuse("it holds no fp32, and a rounded grid is none");
                else if (readers.Contains(null) || weight.IsOutput) Refuse("something reads it that is neither a product nor a look-up");
                else if (readers.Select(reader => reader!.IsByInputs).Distinct().Count() > 1) Refuse("it is multiplied from both sides");
                else if (Find(weight, readers[0]!.IsByInputs) is not { } blocks) Refuse("it lies on no grid of at most 8 bits for each 32 inputs");
                else Replace(weight, readers!, blocks);

                void Refuse(string reason) => context.Refuse(this, weight.Uses[0].Node, $"weight '{weight.Name}' stays as it is: {reason}");
            }
        if (_stored.Count > before) context.Model.Opsets.TryAdd(OnnxEffOperators.Domain, OnnxEffOperators.Version);
        return new(_stored.Count - before);
    }

    static AffineBlocks? Find(Value weight, bool isByInputs)
    {
        (int rows, int columns) = ((int)weight.Constant!.Dims[0], (int)weight.Constant.Dims[1]);
        ReadOnlySpan<float> stored = weight.Constant.As<float>();
        if (!isByInputs) return GridSearch.Find(stored.ToArray(), rows, columns);
        var byOutputs = new float[stored.Length];
        for (var k = 0; k < rows; k++)
            for (var n = 0; n < columns; n++) byOutputs[(long)n * rows + k] = stored[k * columns + n];
        return GridSearch.Find(byOutputs, columns, rows);
    }

    void Replace(Value weight, Reader[] readers, AffineBlocks blocks)
    {
        var graph = readers[0].Node.Graph;
        _stored.Add(new(weight.Name, blocks, [.. readers.Select(reader => reader.Node.Name)]));
        Value units = graph.AddConstant(blocks.Units, $"{weight.Name}.blocks");
        foreach (var reader in readers)
        {
            var old = reader.Node.Result;
            var node = reader.IsProduct ? graph.AddNode(AffineMatMul.Schema.Name, OnnxEffOperators.Domain, [reader.Node.Inputs[0], units], before: reader.Node)
                : graph.AddNode(AffineGather.Schema.Name, OnnxEffOperators.Domain, [units, reader.Node.Inputs[1]], before: reader.Node);
            node.SetAttribute("K", new IntAttribute(blocks.Layout.Inputs));
            node.SetAttribute("N", new IntAttribute(blocks.Layout.Outputs));
            Replacement.Put(old, node.AddOutput(graph.FreshName(old.Name), old.Type), isNew: true);
            Replacement.RemoveIfUnused(reader.Node);
        }
    }

    /// <summary>How a node reads a weight.</summary>
    /// <param name="Node">The product or look-up.</param>
    /// <param name="IsProduct">True for a product.</param>
    /// <param name="IsByInputs">True if the weight is [K, N].</param>
    sealed record Reader(Node Node, bool IsProduct, bool IsByInputs)
    {
        /// <summary>Of one use; null where it is none of those.</summary>
        public static Reader? Of(Use use) => use switch
        {
            { Node: var node, Index: 1 } when node.Is("MatMul") => new(node, true, true),
            { Node: var node, Index: 0 } when node.Is("Gather") && node.Int("axis") == 0 => new(node, false, false),
            { Node: var node, Index: 0 } when node.Is("Transpose") && node.Ints("perm") is null or [1, 0]
                && node.Result.Uses is [{ Index: 1 } product] && product.Node.Is("MatMul") => new(product.Node, true, false),
            _ => null,
        };
    }
}
