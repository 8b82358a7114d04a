using OnnxEff.GraphPasses.Normalise;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>
/// q, k, v = x·Wq, x·Wk, x·Wv ⇒ (q k v) = x·(Wq Wk Wv), which an attention takes as it is. A product of few columns, as those of shared key
/// heads are, leaves threads without work, and each node takes its time, which counts where one token is computed. In the same way gate, up =
/// x·Wg, x·Wu where the operator library's SwiGlu takes them. What an exporter packed, and parts for that reader only, stays whole.
/// Left alone: projections that something else reads, of different stored forms, or with anything in between, as a norm of queries; gates
/// with so large a weight that a node more is not seen beside it, since what is joined stands in memory.
/// </summary>
public sealed class PackProjections(Target target, bool gatesApart) : GraphPass
{
    const int LinearInputs = 5; // x, weight, bias, scales, zero points.
    const long MostGateBytes = 32 << 20;

    static readonly int[] s_projected = [(int)AttentionInput.Query, (int)AttentionInput.Key, (int)AttentionInput.Value], s_gated = [0, 1];

    /// <inheritdoc/>
    public override string Name => "pack-projections";

    /// <inheritdoc/>
    public override string Summary => "x·Wq, x·Wk, x·Wv ⇒ x·(Wq Wk Wv), and so gate and up";

    /// <inheritdoc/>
    public override Exactness Exactness => Exactness.Reassociates;

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        _ = context.Shapes;
        var applied = 0;
        foreach (var node in context.Model.Graph.Nodes.ToArray())
        {
            var slots = LlmAttention.Fits(node) && new LlmAttention(node).Appends ? s_projected : IsGate(node) ? s_gated : [];
            Node[] parts = [.. slots.Select(slot => node.Input(slot)?.Producer).OfType<Node>()];
            if (parts.Length == 0 || parts.Length < slots.Length || (WholeOf(parts) ?? (MayPack(node, parts) && AreAlike(parts) ? Pack(node, parts) : null)) is not { } packed)
                continue;
            node.SetInput(slots[0], packed);
            foreach (var slot in slots[1..])
                node.SetInput(slot, null);
            node.TrimInputs();
            applied++;
        }
        if (applied > 0)
        {
            context.Model.Graph.RemoveDead();
            context.Model.Graph.Sort();
        }
        return new(applied);
    }

    bool IsGate(Node node) => node.Is(Vocabulary.GatedActivation, Vocabulary.Domain) && node.Input(1) is not null && LowerActivations.IsOwn(node.Input(0)!, node.Text("function"), target);

    /// <summary>False for a gate that is to stay two products.</summary>
    bool MayPack(Node reader, Node[] parts) => LlmAttention.Fits(reader) || (!gatesApart && parts.Sum(part => part.Input(1)?.Constant?.Data.Length ?? 0) <= MostGateBytes);

    /// <summary>What slices, side by side and in order, make up.</summary>
    static Value? WholeOf(Node[] parts)
    {
        var end = 0L;
        foreach (var part in parts)
        {
            if (!part.Is("Slice") || part.Input(0) != parts[0].Input(0) || SliceBounds.TryRead(part) is not { Axes: [2], Steps: [1] } bounds || bounds.Starts[0] != end)
                return null;
            end = bounds.Ends[0];
        }
        return parts[0].Input(0) is { Type.Shape: { Rank: 3 } shape } whole && shape[2].Constant == end ? whole : null;
    }

    /// <summary>A linear layer with one reader, with a weight that nothing else does: it would be stored twice.</summary>
    static bool IsPrivate(Node node) => node.Is(Vocabulary.Linear, Vocabulary.Domain) && !node.Result.IsOutput && node.Result.Uses.Count == 1
        && node.Result.Type?.Shape is { Rank: 3 } && node.Input(1)!.Uses.Count == 1 && node.Inputs.Skip(1).All(input => input is null or { Constant: not null });

    /// <summary>The same input, the same stored form, biases or scales of all or none; no order of groups.</summary>
    static bool AreAlike(Node[] layers) => layers.All(IsPrivate) && layers.Distinct().Count() == layers.Length && layers.Select(Form).Distinct().Count() == 1 && layers[0].Input(LinearInputs) is null;

    static string Form(Node layer) => string.Join(' ',
    [
        layer.Input(0)!.Name, .. Enumerable.Range(1, LinearInputs - 1).Select(slot => layer.Input(slot)?.Constant is { } tensor ? $"{tensor.Element}[{tensor.Rank}]" : "_"),
        .. layer.Attributes.Where(a => a.Key != "N").OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key}={(a.Value is StringAttribute text ? text.Text : a.Value)}"),
    ]);

    static Value Pack(Node reader, Node[] layers)
    {
        var build = new GraphBuilder(reader.Graph, Joined([.. layers.Select(layer => layer.Name.Split('/'))]) ?? reader.Name);
        // Columns of a plain weight lie apart; everything else is stored by outputs.
        var isByColumns = layers[0].Int("transposed") == 0;
        Value? Side(int slot) => layers[0].Input(slot) is null ? null
            : build.Constant(SideBySide([.. layers.Select(layer => layer.Input(slot)!.Constant!)], slot == 1 && isByColumns ? 1 : 0));
        var node = build.Node(Vocabulary.Linear, Vocabulary.Domain, [layers[0].Input(0), .. Enumerable.Range(1, LinearInputs - 1).Select(Side)],
            [.. layers[0].Attributes.Select(a => (a.Key, a.Key == "N" ? layers.Sum(layer => layer.Int("N")) : a.Value))]);
        var shape = layers[0].Result.Type!.Shape!;
        var width = layers.Select(layer => layer.Result.Type!.Shape![2]).Aggregate((a, b) => a + b);
        return build.Output(node, "packed", new TensorType(layers[0].Result.Type!.Element, new TensorShape(shape[0], shape[1], width)));
    }

    /// <summary>/attn/q_proj/MatMul, /attn/k_proj/MatMul ⇒ /attn/q_proj+k_proj: what names share, and where they part; null if they do not part.</summary>
    static string? Joined(string[][] names)
    {
        var shared = names[0].TakeWhile((part, i) => Array.TrueForAll(names, name => i < name.Length && name[i] == part)).Count();
        return Array.TrueForAll(names, name => shared < name.Length) ? string.Join('/', [.. names[0][..shared], string.Join('+', names.Select(name => name[shared]))]) : null;
    }

    /// <summary>Tensors joined along an axis, before which all sizes agree.</summary>
    static Tensor SideBySide(Tensor[] parts, int axis)
    {
        long[] dims = [.. parts[0].Dims];
        dims[axis] = parts.Sum(part => part.Dims[axis]);
        var outer = Tensor.CountOf(dims.AsSpan(0, axis));
        var bytes = new byte[parts.Sum(part => part.Data.Length)];
        var at = 0;
        for (long row = 0; row < outer; row++)
        {
            foreach (var part in parts)
            {
                var length = (int)(part.Data.Length / outer);
                part.Data.Slice(row * length, length).CopyTo(bytes.AsSpan(at));
                at += length;
            }
        }
        return new Tensor(parts[0].Element, dims, new TensorData(bytes));
    }
}
