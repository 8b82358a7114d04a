using OnnxEff.GraphPasses.Raise.Positions;
using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>One run of a cone on random numbers.</summary>
sealed record ConeRun(Tensor From, Tensor To, IReadOnlyList<Tensor> Angles)
{
    /// <summary>How far results may be off, relative to the largest: some roundings of float32.</summary>
    public const double Tolerance = 1e-5;

    /// <summary>Runs a cone; null if the size of a value that it reads is not known, or the runtime refuses it.</summary>
    public static ConeRun? TryRun(Model model, HiddenCone cone, IGraphEvaluator evaluator)
    {
        var sizes = new SymbolSizes();
        var cut = model.EmptyAlike("cone");
        var copier = new GraphCopier(cut.Graph);
        var feeds = new Dictionary<string, Tensor>();
        var random = new Random(1);
        foreach (var free in cone.Angles.Prepend(cone.From))
        {
            if (sizes.Of(free) is not { } dims || Random(WideNumbers.Of(free.Type!.Element), dims, random) is not { } tensor)
                return null;
            copier.Map[free] = cut.Graph.AddInput(free.Name, new TensorType(tensor.Element, TensorShape.Of(dims)));
            feeds.Add(free.Name, tensor);
        }
        if (!TryCopyIntegers(cone, copier, sizes))
            return null;
        copier.CopyAll(cone.Nodes);
        cut.Graph.Outputs.Add(copier.Resolve(cone.To));
        WideNumbers.Apply(cut);
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
            if (ShapeResult.IsFrom(producer))
            {
                if (sizes.Of(producer.Input(0)!) is not { } dims)
                    return false;
                copier.Map[value] = copier.Target.AddInitializer(value.Name, ShapeResult.Of(producer, dims));
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
            ElementType.Float64 => Tensor.Create<double>(dims, values),
            _ => null,
        };
    }
}
