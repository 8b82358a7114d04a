using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Attention;

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
}
