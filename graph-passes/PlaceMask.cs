using OnnxEff.Ir;

namespace OnnxEff.GraphPasses;

/// <summary>Which keys a query may see by their places alone: a triangle, windows, chunks.</summary>
/// <param name="Causal">j ≤ i.</param>
/// <param name="Window">j &gt; i − W; −1 for all.</param>
/// <param name="WindowRight">j ≤ i + R; −1 for all.</param>
/// <param name="Chunk">⌊j/C⌋ = ⌊i/C⌋; 0 for no chunks.</param>
sealed record PlaceMask(bool Causal, long Window = -1, long WindowRight = -1, long Chunk = 0)
{
    /// <summary>True if every query may see every key.</summary>
    public bool IsEmpty => !Causal && Window < 0 && WindowRight < 0 && Chunk == 0;

    /// <summary>The rule in standard operators: bool, broadcasting to [B, H, S, T].</summary>
    /// <param name="build">Where the nodes go.</param>
    /// <param name="first">Place of the first query among the keys, int64 [1] or [B, 1, 1, 1].</param>
    /// <param name="queries">S, int64 [1].</param>
    /// <param name="keys">T, int64 [1].</param>
    /// <param name="chunkStart">The key from which chunks are counted, int64 [B, 1, 1, 1]; null for the first.</param>
    public Value? Spell(GraphBuilder build, Value first, Value queries, Value keys, Value? chunkStart = null)
    {
        if (IsEmpty)
            return null;
        Value Op(string op, params ReadOnlySpan<Value?> inputs) => build.Op(op, inputs, null);
        Value Number(long value) => build.Constant(Tensor.Vector(value));
        Value Range(Value count, params ReadOnlySpan<long> shape) => Op("Reshape", build.Range(count), build.Constant(Tensor.Vector(shape)));
        var (i, j) = (Op("Add", Range(queries, -1, 1), first), Range(keys, 1, -1));
        Value? mask = null;
        void Both(Value part) => mask = mask is null ? part : Op("And", mask, part);
        if (Causal || WindowRight >= 0)
            Both(Op("Not", Op("Greater", j, Causal || WindowRight == 0 ? i : Op("Add", i, Number(WindowRight)))));
        if (Window >= 0)
            Both(Op("Greater", j, Op("Sub", i, Number(Window))));
        if (Chunk > 0)
        {
            Value Of(Value place) => Op("Div", chunkStart is null ? place : Op("Sub", place, chunkStart), Number(Chunk));
            Both(Op("Equal", Of(i), Of(j)));
        }
        return mask;
    }
}
