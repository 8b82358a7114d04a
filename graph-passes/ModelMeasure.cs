using OnnxEff.GraphPasses.Lower;
using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses;

/// <summary>Counts what a model holds.</summary>
public static class ModelMeasure
{
    /// <summary>Sizes of a model.</summary>
    public static ModelSize Of(Model model)
    {
        var functions = model.Functions.Where(f => !FunctionBodies.Knows(f.Domain, f.Name)).Select(f => f.Body); // Those do not run where the library does.
        var nodes = functions.Prepend(model.Graph).SelectMany(g => g.SelfAndSubgraphs()).SelectMany(g => g.Nodes).Where(n => !n.Is("Constant")).ToArray();
        var operators = nodes.GroupBy(n => n.Domain.Length == 0 ? n.OpType : $"{n.Domain}.{n.OpType}")
            .OrderByDescending(g => g.Count()).ToDictionary(g => g.Key, g => g.Count());
        return new(nodes.Length, operators, WeightBytesByType(model).Values.Sum(), CacheBytesPerToken(model));
    }

    /// <summary>Bytes of constants by element type; a tensor that several values share counts once.</summary>
    public static Dictionary<ElementType, long> WeightBytesByType(Model model) => model.Tensors.Distinct()
        .GroupBy(t => t.Element).ToDictionary(g => g.Key, g => g.Sum(t => t.Data.Length));

    static long? CacheBytesPerToken(Model model) => DecoderSignature.Recognise(model.Graph, out _) is { Caches.Count: > 0 } signature
        ? signature.Caches.Sum(c => c.Element.ByteLength(c.Sizes.Where((_, axis) => axis != c.BatchAxis && axis != c.LengthAxis).Aggregate(1L, (a, b) => a * b)))
        : null;
}
