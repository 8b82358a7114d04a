using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>Numbers by which the computation of a mask may limit how far a query sees.</summary>
static class WindowSizes
{
    /// <summary>Longer windows than this are no windows: the longest of published models has 2^15 keys.</summary>
    const long Longest = 1 << 16;

    const int MostSizes = 24;

    // What compares or shifts indices, or cuts a triangle.
    static readonly HashSet<string> Limiting = ["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "Sub", "Add", "Mul", "Div", "Mod", "Floor",
        "Min", "Max", "Clip", "Where", "Trilu", "Range", "BitShift"];

    /// <summary>Constants that masks compare indices with, and sizes of square tables that masks are cut from; the largest first.</summary>
    public static IReadOnlyList<long> Of(TokenInputs tokens, IEnumerable<Value> masks)
    {
        var nodes = new PositionalNodes(tokens);
        foreach (var mask in masks)
            nodes.TryAdd(mask, out _);
        var read = nodes.InOrder.SelectMany(n => n.Inputs.Select(i => (Node: n, i?.Constant))).Where(r => r.Constant is not null).ToList();
        var numbers = read.Where(r => r.Node.Domain.Length == 0 && Limiting.Contains(r.Node.OpType) && r.Constant!.Count == 1)
            .Select(r => r.Constant!.ToScalar() ?? 0).Where(v => v == Math.Floor(v) && Math.Abs(v) < Longest)
            .SelectMany(v => (long[])[Math.Abs((long)v), Math.Abs((long)v) + 1]);
        var tables = read.Where(r => r.Constant!.Rank >= 2 && r.Constant.Dims[^1] == r.Constant.Dims[^2]).Select(r => r.Constant!.Dims[^1] - 5);
        return [.. numbers.Concat(tables).Where(v => v is > 1 and < Longest).Distinct().OrderDescending().Take(MostSizes)];
    }
}
