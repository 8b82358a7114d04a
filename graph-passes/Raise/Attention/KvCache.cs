using System.Diagnostics.CodeAnalysis;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>present = Concat(past, new) along the tokens, where past is an input and present an output of the graph.</summary>
static class KvCache
{
    /// <summary>Finds the cache behind keys or values, and the new ones.</summary>
    public static bool TryPeel(Heads heads, IReadOnlyList<CachePair> caches, out Heads added, [NotNullWhen(true)] out CachePair? cache)
    {
        added = heads;
        cache = null;
        var concat = heads.Value.Producer;
        if (heads.Layout != HeadLayout.HeadsFirst || concat?.Is("Concat") != true || concat.Inputs.Count != 2 || concat.Int("axis") is not (2 or -2))
            return false;
        cache = caches.FirstOrDefault(c => c.Past == concat.Input(0) && c.Present == concat.Result);
        added = new(concat.Input(1)!, HeadLayout.HeadsFirst);
        return cache is not null;
    }
}
