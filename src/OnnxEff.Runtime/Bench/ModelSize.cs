using OnnxEff.Ir;

namespace OnnxEff.Runtime;

/// <summary>How large a model is.</summary>
/// <param name="Bytes">Of the model file and the external data it names.</param>
/// <param name="Parameters">Weights, tied ones once where the file holds them once; packed weights count as what they stand for.</param>
public sealed record ModelSize(long Bytes, long Parameters)
{
    /// <summary>Measures a file and its graph.</summary>
    public static ModelSize Of(string path, Graph graph)
    {
        var files = graph.SelfAndSubgraphs().SelectMany(g => g.Initializers)
            .Select(v => v.Initializer?.Data.File?.Path).OfType<string>().Append(Path.GetFullPath(path)).Distinct();
        var bytes = files.Where(File.Exists).Sum(file => new FileInfo(file).Length);

        var packed = new Dictionary<Tensor, long>();
        var helpers = new HashSet<Tensor>(); // scales and zero points
        foreach (var node in graph.SelfAndSubgraphs().SelectMany(g => g.Nodes))
        {
            var isProduct = node.OpType is "MatMulNBits" or "VqMatMul" or "VptqMatMul" or "AffineMatMul";
            if (!isProduct && node.OpType is not ("GatherBlockQuantized" or "AffineGather")) continue;
            var data = isProduct ? 1 : 0;
            foreach (var helper in node.Inputs.Skip(2).OfType<Value>())
                if (helper.Constant is { } tensor) helpers.Add(tensor);
            if (node.Input(data)?.Constant is { } weight && node.OpType != "GatherBlockQuantized")
                packed[weight] = node.Int("K") * node.Int("N");
        }

        var parameters = graph.SelfAndSubgraphs().SelectMany(g => g.Initializers).Select(v => v.Initializer!).Distinct()
            .Where(t => !helpers.Contains(t))
            .Sum(t => packed.TryGetValue(t, out var count) ? count : t.Element.IsFloat() ? t.Count : 0);
        return new(bytes, parameters);
    }

    /// <summary>"513.13 MiB".</summary>
    public string BytesText => Bytes >= 1L << 30 ? $"{Bytes / (double)(1L << 30):F2} GiB" : $"{Bytes / (double)(1L << 20):F2} MiB";

    /// <summary>"134.52 M".</summary>
    public string ParametersText => Parameters >= 1_000_000_000 ? $"{Parameters / 1e9:F2} B" : $"{Parameters / 1e6:F2} M";
}
