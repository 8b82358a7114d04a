using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>One run of a cone on random numbers.</summary>
sealed record ConeRun(Tensor From, Tensor To, IReadOnlyList<Tensor> Angles)
{
    /// <summary>How far results may be off, relative to the largest: some roundings of the coarsest type.</summary>
    public double Tolerance => From.Element == ElementType.Float32 && To.Element == ElementType.Float32 ? 1e-5 : 4e-3;

    /// <summary>Runs a cone; null if the size of a value that it reads is not known, or the runtime refuses it.</summary>
    public static ConeRun? TryRun(Model model, HiddenCone cone, IGraphEvaluator evaluator)
    {
        var sizes = new SymbolSizes();
        if (sizes.Of(cone.From) is not { } fromDims || cone.To.Type is null)
            return null;
        var cut = new Model(new Graph("cone")) { IrVersion = model.IrVersion };
        foreach (var (domain, version) in model.Opsets)
            cut.Opsets[domain] = version;
        var copier = new GraphCopier(cut.Graph);
        var feeds = new Dictionary<string, Tensor>();
        var random = new Random(1);
        foreach (var free in cone.Angles.Prepend(cone.From))
        {
            if (sizes.Of(free) is not { } dims || Random(free.Type!.Element, dims, random) is not { } tensor)
                return null;
            copier.Map[free] = cut.Graph.AddInput(free.Name, new TensorType(tensor.Element, TensorShape.Of(dims)));
            feeds.Add(free.Name, tensor);
        }
        if (!TryCopyIntegers(cone, copier, sizes))
            return null;
        copier.CopyAll(cone.Nodes);
        cut.Graph.Outputs.Add(copier.Resolve(cone.To));
        try
        {
            using var evaluation = evaluator.Open(cut);
            var to = evaluation.Run(feeds)[0];
            return new(feeds[cone.From.Name], to, [.. cone.Angles.Select(a => feeds[a.Name])]);
        }
        catch (InvalidOperationException)
        {
            return null; // What does not run is not recognised.
        }
    }

    /// <summary>Copies what computes targets of Reshape and bounds of Slice; shapes become constants.</summary>
    static bool TryCopyIntegers(HiddenCone cone, GraphCopier copier, SymbolSizes sizes)
    {
        var inside = cone.Nodes.ToHashSet();
        var pending = new Stack<(Value Value, bool Entered)>(cone.Nodes.SelectMany(n => n.Inputs.OfType<Value>())
            .Where(v => v.Producer is null || !inside.Contains(v.Producer)).Select(v => (v, false)));
        while (pending.TryPop(out var item))
        {
            var (value, entered) = item;
            if (copier.Map.ContainsKey(value) || value.Constant is not null)
                continue;
            if (value.Producer is not { } producer || producer.Subgraphs.Any())
                return false; // Numbers that depend on what positions hold.
            if (producer.Domain.Length == 0 && producer.OpType is "Shape" or "Size")
            {
                if (sizes.ResultOf(producer) is not { } tensor)
                    return false;
                copier.Map[value] = copier.Target.AddInitializer(value.Name, tensor);
            }
            else if (entered)
                copier.Copy(producer);
            else
            {
                pending.Push((value, true));
                foreach (var input in producer.Inputs.OfType<Value>())
                    pending.Push((input, false));
            }
        }
        return true;
    }

    static Tensor? Random(ElementType element, long[] dims, Random random)
    {
        var count = (int)Tensor.CountOf(dims);
        double[] values = [.. Enumerable.Range(0, count).Select(_ => (random.NextDouble() * 2) - 1)];
        return element switch
        {
            ElementType.Float32 => Tensor.Create<float>(dims, Array.ConvertAll(values, v => (float)v)),
            ElementType.Float16 => Tensor.Create<Half>(dims, Array.ConvertAll(values, v => (Half)v)),
            ElementType.Float64 => Tensor.Create<double>(dims, values),
            _ => null,
        };
    }
}

/// <summary>Gives each symbolic dimension a small number of its own.</summary>
sealed class SymbolSizes
{
    const long MostElements = 1 << 22;

    static readonly long[] Sizes = [2, 3, 5, 7, 11, 13];

    readonly Dictionary<string, long> _symbols = [];

    /// <summary>The dimensions of a value; null if its shape is not known, or too large to try.</summary>
    public long[]? Of(Value value)
    {
        if (value.Type?.Shape is not { } shape)
            return null;
        var dims = new long[shape.Rank];
        long count = 1;
        for (var i = 0; i < dims.Length; i++)
        {
            foreach (var symbol in shape[i].Symbols.Where(s => !_symbols.ContainsKey(s)).ToArray())
                _symbols.Add(symbol, Sizes[_symbols.Count % Sizes.Length]);
            if (shape[i].Evaluate(_symbols) is not (>= 0 and < MostElements and var size) || (count *= Math.Max(1, size)) > MostElements)
                return null;
            dims[i] = size;
        }
        return dims;
    }

    /// <summary>What a Shape or Size node gives.</summary>
    public Tensor? ResultOf(Node node)
    {
        if (node.Input(0) is not { } input || Of(input) is not { } dims)
            return null;
        if (node.OpType == "Size")
            return Tensor.Scalar(Tensor.CountOf(dims));
        int Axis(long axis) => (int)Math.Clamp(axis < 0 ? axis + dims.Length : axis, 0, dims.Length);
        var (start, end) = (Axis(node.Int("start")), Axis(node.Int("end", dims.Length)));
        return Tensor.Vector<long>(dims.AsSpan(start, Math.Max(0, end - start)));
    }
}
