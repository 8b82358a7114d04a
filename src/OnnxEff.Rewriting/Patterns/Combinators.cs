using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

sealed class AnyPattern : Pattern
{
    internal override bool Solve(Match match, Value? value, Goal? rest) => value is not null && match.Continue(rest);
}

sealed class NumberPattern(double number) : Pattern
{
    internal override bool CouldMatch(Value? value) => value?.Constant is { Count: 1 } tensor && Is(tensor);

    internal override bool Solve(Match match, Value? value, Goal? rest) => CouldMatch(value) ? match.Continue(rest)
        : match.Explains && match.Fails(value, $"the constant {number:R} is expected here");

    bool Is(Tensor tensor) => tensor.ToScalar() is { } actual && actual == Round(number, tensor.Element);

    static double Round(double value, ElementType type) => type switch
    {
        ElementType.Float32 => (float)value,
        ElementType.Float16 => (double)(Half)value,
        ElementType.BFloat16 => RoundToBFloat16((float)value),
        _ => value,
    };

    static float RoundToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000); // Ties to even.
    }
}

sealed class OrPattern(Pattern a, Pattern b) : Pattern
{
    internal override bool CouldMatch(Value? value) => a.CouldMatch(value) || b.CouldMatch(value);

    internal override bool Solve(Match match, Value? value, Goal? rest) =>
        a.Solve(match, value, rest) || b.Solve(match, value, rest);

    internal override IEnumerable<string>? RootOps =>
        a.RootOps is { } left && b.RootOps is { } right ? left.Union(right) : null;

    internal override int Depth => Math.Max(a.Depth, b.Depth);

    internal override IEnumerable<Var> NearCaptures => a.NearCaptures.Concat(b.NearCaptures);
}

sealed class OptionalPattern(Pattern inner) : Pattern
{
    internal override bool CouldMatch(Value? value) => value is null || inner.CouldMatch(value);

    internal override bool Solve(Match match, Value? value, Goal? rest) =>
        value is null ? match.Continue(rest) : inner.Solve(match, value, rest);

    internal override int Depth => inner.Depth;

    internal override IEnumerable<Var> NearCaptures => inner.NearCaptures;
}

sealed class CapturedPattern(Pattern inner, Var capture) : Pattern
{
    internal override bool CouldMatch(Value? value) => inner.CouldMatch(value) && capture.CouldMatch(value);

    internal override bool Solve(Match match, Value? value, Goal? rest) =>
        capture.Solve(match, value, new Goal(inner, value, rest));

    internal override IEnumerable<string>? RootOps => inner.RootOps;

    internal override int Depth => inner.Depth;

    internal override IEnumerable<Var> NearCaptures => inner.NearCaptures.Append(capture);
}

sealed class MaybePattern(Pattern inner, string[] ops) : Pattern
{
    internal override bool CouldMatch(Value? value) => inner.CouldMatch(value) || Wrapper(value) is not null;

    internal override bool Solve(Match match, Value? value, Goal? rest)
    {
        if (Wrapper(value) is { } node && match.IsInGraph(node))
        {
            var mark = match.Mark();
            // A wrapper around a bare capture is no part of the cone: whoever else reads it may go on.
            match.AddNode(node, mayBeShared: inner is Var);
            if (Solve(match, node.Input(0), rest))
                return true;
            match.Undo(mark);
        }
        return inner.Solve(match, value, rest);
    }

    internal override IEnumerable<string>? RootOps => inner.RootOps?.Union(ops.Select(o => "." + o));

    internal override int Depth => inner.Depth + 1;

    internal override IEnumerable<Var> NearCaptures => inner.NearCaptures;

    Node? Wrapper(Value? value) =>
        value?.Producer is { Domain: "" } node && Array.IndexOf(ops, node.OpType) >= 0 ? node : null;
}
