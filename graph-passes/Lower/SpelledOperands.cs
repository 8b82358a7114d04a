using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.GraphPasses.Lower;

/// <summary>Queries, all keys and all values of an attention as four-dimensional heads, in standard operators.</summary>
/// <param name="Query">[B, Hq, S, D], rotated.</param>
/// <param name="Keys">[B, Hkv, T, D], rotated.</param>
/// <param name="Values">[B, Hkv, T, Dv].</param>
/// <param name="First">Place of the first query among the keys, int64 [1] or [B, 1, 1, 1].</param>
/// <param name="Lengths">Keys of each row, int64 [B, 1, 1, 1]; null for all in every row.</param>
/// <param name="PresentKey">The cache after this call.</param>
/// <param name="PresentValue">The cache after this call.</param>
sealed record SpelledOperands(Value Query, Value Keys, Value Values, Value First, Value? Lengths, Value PresentKey, Value PresentValue)
{
    /// <summary>Spells them out.</summary>
    public static SpelledOperands Of(LlmAttention attention, GraphBuilder build, long opset) => new Speller(attention, build, opset).Spell();

    sealed class Speller(LlmAttention attention, GraphBuilder build, long opset)
    {
        static readonly long[] Swap = [0, 2, 1, 3];

        readonly Value _query = attention[AttentionInput.Query]!;
        readonly Value? _lengths = attention[AttentionInput.SeqlensK] is not { } last ? null
            : build.Op("Reshape", [build.Op("Add", [build.Cast(last, ElementType.Int64),
                build.Constant(Tensor.Vector(1L))], null), build.Constant(Tensor.Vector<long>(-1, 1, 1, 1))], null);

        Value Op(string op, params ReadOnlySpan<Value?> inputs) => build.Op(op, inputs, null);

        Value Ints(params ReadOnlySpan<long> values) => build.Constant(Tensor.Vector(values));

        Value Queries => build.Extent(_query, 1);

        public SpelledOperands Spell()
        {
            if (!attention.Appends)
                return OfGivenKeys();
            var (query, key, value) = Split();
            var total = Total();
            Value first = Op("Sub", total, Queries);
            if (_lengths is not null)
                first = Op("Where", Op("Equal", Queries, total), Ints(0), Op("Sub", _lengths, Queries)); // A first prompt begins at 0.
            var turn = new SpelledRotation(attention, build, opset, first);
            query = turn.Of(query, attention.Heads);
            key = turn.Of(key, attention.KvHeads);
            var (keys, values) = _lengths is null
                ? (Behind(AttentionInput.PastKey, key), Behind(AttentionInput.PastValue, value))
                : (Insert(AttentionInput.PastKey, key, first, total), Insert(AttentionInput.PastValue, value, first, total));
            var (seenKeys, seenValues) = (keys, values);
            // A buffer may have more rows than there are keys; masks then have not.
            if (_lengths is not null && (attention[AttentionInput.KeyMask] ?? attention[AttentionInput.Bias]) is not null)
                (seenKeys, seenValues) = (Op("Slice", keys, Ints(0), total, Ints(2)), Op("Slice", values, Ints(0), total, Ints(2)));
            return new(query, seenKeys, seenValues, first, _lengths, keys, values);
        }

        SpelledOperands OfGivenKeys()
        {
            var (keys, values) = (attention[AttentionInput.PastKey]!, attention[AttentionInput.PastValue]!);
            var first = Op("Sub", _lengths ?? build.Extent(keys, 2), Queries);
            var query = new SpelledRotation(attention, build, opset, first).Of(Heads(_query, attention.Heads, attention.HeadSize), attention.Heads);
            return new(query, keys, values, first, _lengths, keys, values);
        }

        /// <summary>Heads of query, key and value, which may be packed in one tensor.</summary>
        (Value Query, Value Key, Value Value) Split()
        {
            var (size, valueSize) = (attention.HeadSize, attention.ValueHeadSize);
            if (attention[AttentionInput.Key] is { } given)
                return (Heads(_query, attention.Heads, size), Heads(given, attention.KvHeads, size), Heads(attention[AttentionInput.Value]!, attention.KvHeads, valueSize));
            long from = 0;
            Value Part(long heads, long width) => Heads(Op("Slice", _query, Ints(from), Ints(from += heads * width), Ints(2)), heads, width);
            return (Part(attention.Heads, size), Part(attention.KvHeads, size), Part(attention.KvHeads, valueSize));
        }

        /// <summary>[B, S, H·D] as [B, H, S, D].</summary>
        Value Heads(Value flat, long heads, long size) => build.Op("Transpose", [Op("Reshape", flat, Ints(0, 0, heads, size))],
            new TensorType(_query.Type!.Element, new TensorShape(_query.Type.Shape![0], heads, _query.Type.Shape[1], size)), ("perm", Swap));

        /// <summary>T, int64 [1].</summary>
        Value Total()
        {
            if (attention[AttentionInput.TotalSequenceLength] is { } given)
                return Op("Reshape", build.Cast(given, ElementType.Int64), Ints(1));
            if (attention[AttentionInput.PastKey] is { } past && _lengths is null)
                return Op("Add", build.Extent(past, 2), Queries);
            return attention[AttentionInput.KeyMask] is { } mask ? build.Extent(mask, 1)
                : attention[AttentionInput.Bias] is { } bias ? build.Extent(bias, 3)
                : attention[AttentionInput.PastKey] is { } cache ? Op("Add", build.Extent(cache, 2), Queries) : Queries;
        }

        Value Behind(AttentionInput past, Value added) => attention[past] is { } cached
            ? build.Op("Concat", [cached, added], null, ("axis", 2L)) : added;

        /// <summary>The cache, of at least T rows, with the new heads of each row of the batch from its own place on.</summary>
        Value Insert(AttentionInput past, Value added, Value first, Value total)
        {
            var (batch, heads) = (build.Extent(_query, 0), Ints(attention.KvHeads));
            var size = Ints(past == AttentionInput.PastKey ? attention.HeadSize : attention.ValueHeadSize);
            Value Concat(params ReadOnlySpan<Value?> parts) => build.Op("Concat", parts, null, ("axis", 0L));
            Value Range(Value count, params ReadOnlySpan<long> shape) => Op("Reshape", build.Range(count), Ints(shape));
            var missing = attention[past] is { } cached ? Op("Sub", Op("Max", build.Extent(cached, 2), total), build.Extent(cached, 2)) : total;
            var zeros = Op("Expand", build.Constant(Constants.Scalar(0, _query.Type!.Element)), Concat(batch, heads, missing, size));
            var rows = attention[past] is { } buffer ? build.Op("Concat", [buffer, zeros], null, ("axis", 2L)) : zeros;
            var each = Concat(batch, heads, Queries, Ints(1));
            var places = build.Op("Concat", [Op("Expand", Range(batch, -1, 1, 1, 1), each), Op("Expand", Range(heads, 1, -1, 1, 1), each),
                Op("Expand", Op("Add", Range(Queries, 1, 1, -1, 1), first), each)], null, ("axis", -1L));
            return Op("ScatterND", rows, places, added);
        }
    }
}
