using OnnxEff.Ir;

namespace OnnxEff.Runtime;

/// <summary>Makes values that an input takes: indices of the tables in which they are looked up, truth values, numbers around 0.</summary>
sealed class InputMaker
{
    static readonly HashSet<string> s_carriers = ["Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape", "Flatten", "Expand", "Transpose", "Slice"];

    readonly Value _input;
    readonly long? _rows;

    /// <exception cref="NotSupportedException">The input is no tensor of a known rank.</exception>
    public InputMaker(Value input)
    {
        if (input.Type?.Shape is null || !(HoldsIntegersOf(input) || input.Type.Element.IsFloat()))
            throw new NotSupportedException($"The input {input} is no tensor of numbers with a known rank, so no values for it can be made.");
        _input = input;
        _rows = HoldsIntegers ? RowsOf(input) : null;
    }

    /// <summary>True for integers and truth values.</summary>
    public bool HoldsIntegers => HoldsIntegersOf(_input);

    /// <summary>True if the values are looked up in a table.</summary>
    public bool IsIndex => _rows is not null;

    /// <summary>A tensor for the input; of an input that masks tokens, what <paramref name="isToken"/> says.</summary>
    public Tensor Make(long[] dims, Random random, Func<int, int, bool>? isToken)
    {
        var values = new double[Tensor.CountOf(dims)];
        for (var i = 0; i < values.Length; i++)
            values[i] = !HoldsIntegers ? (2 * random.NextDouble()) - 1 : IsIndex ? random.NextInt64(_rows!.Value)
                : isToken is null || isToken((int)(i / dims[^1]), (int)(i % dims[^1])) ? 1 : 0;
        return _input.Type!.Element switch
        {
            ElementType.Int64 => Tensor.Create<long>(dims, Array.ConvertAll(values, v => (long)v)),
            ElementType.Int32 => Tensor.Create<int>(dims, Array.ConvertAll(values, v => (int)v)),
            ElementType.Bool => Tensor.Create<bool>(dims, Array.ConvertAll(values, v => v != 0)),
            ElementType.Float32 => Tensor.Create<float>(dims, Array.ConvertAll(values, v => (float)v)),
            ElementType.Float16 => Tensor.Create<Half>(dims, Array.ConvertAll(values, v => (Half)v)),
            ElementType.Float64 => Tensor.Create<double>(dims, values),
            var other => throw new NotSupportedException($"No values of type {other} can be made for the input {_input}."),
        };
    }

    static bool HoldsIntegersOf(Value input) => input.Type!.Element.IsInteger() || input.Type.Element == ElementType.Bool;

    /// <summary>Rows of the smallest table in which the values are looked up; null if there is none.</summary>
    static long? RowsOf(Value input)
    {
        long? rows = null;
        var seen = new HashSet<Value>();
        var work = new Stack<Value>([input]);
        while (work.TryPop(out var value))
        {
            if (!seen.Add(value)) continue;
            foreach (var (node, index) in value.Uses)
            {
                if (Table(node, index) is { } size) rows = Math.Min(rows ?? long.MaxValue, size);
                if (node.Domain.Length == 0 && s_carriers.Contains(node.OpType) && index == 0) work.Push(node.Result);
            }
        }
        return rows;
    }

    static long? Table(Node node, int index) => (node.OpType, index) switch
    {
        ("Gather", 1) => Rows(node.Input(0), node.Int("axis")),
        ("AffineGather", 1) => node.Int("N"),
        ("GatherBlockQuantized", 1) => Rows(node.Input(0), node.Int("gather_axis")),
        ("EmbedLayerNormalization", 0) => Rows(node.Input(2), 0),
        ("EmbedLayerNormalization", 1) => Rows(node.Input(4), 0),
        _ => null,
    };

    // A table that is moved or converted first, say a tied embedding, has its size in its type where the file says so.
    static long? Rows(Value? table, long axis)
    {
        if (table?.Producer is { OpType: "Transpose" } transpose && transpose.Input(0)?.Constant is { Rank: 2 } tied)
            return tied.Dims[axis == 0 ? 1 : 0];
        for (var value = table; value is not null; value = value.Producer is { OpType: "Cast" or "Identity" or "DequantizeLinear" } node ? node.Input(0) : null)
            if ((value.Constant?.Type ?? value.Type)?.Shape is { Rank: > 0 } shape) return shape[(int)axis].Constant;
        return null;
    }
}
