using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>Facts about attribute values.</summary>
public static class AttributeFacts
{
    /// <summary>True if both are equal by content. Subgraphs are equal only to themselves.</summary>
    public static bool AreEqual(AttributeValue? a, AttributeValue? b) => (a, b) switch
    {
        (IntsAttribute x, IntsAttribute y) => x.Values.AsSpan().SequenceEqual(y.Values),
        (FloatsAttribute x, FloatsAttribute y) => x.Values.AsSpan().SequenceEqual(y.Values),
        (StringAttribute x, StringAttribute y) => x.Bytes.AsSpan().SequenceEqual(y.Bytes),
        (StringsAttribute x, StringsAttribute y) => x.Values.Length == y.Values.Length
            && x.Values.Zip(y.Values).All(p => p.First.AsSpan().SequenceEqual(p.Second)),
        (TensorAttribute x, TensorAttribute y) => TensorFacts.AreEqual(x.Value, y.Value),
        (OpaqueAttribute x, OpaqueAttribute y) => x.AttributeProto.AsSpan().SequenceEqual(y.AttributeProto),
        _ => Equals(a, b),
    };
}

/// <summary>Facts about constant tensors.</summary>
public static class TensorFacts
{
    /// <summary>True if element type, dimensions and every bit of the payload are equal.</summary>
    public static bool AreEqual(Tensor a, Tensor b)
    {
        if (ReferenceEquals(a, b))
            return true;
        if (a.Element != b.Element || !a.Dims.SequenceEqual(b.Dims) || a.Data.Length != b.Data.Length)
            return false;
        if (a.Strings is { } left)
            return left.Zip(b.Strings!).All(p => p.First.AsSpan().SequenceEqual(p.Second));
        if (a.Data.IsSameMemory(b.Data))
            return true;
        const int Chunk = 1 << 20;
        for (long at = 0; at < a.Data.Length; at += Chunk)
        {
            var count = (int)Math.Min(Chunk, a.Data.Length - at);
            if (!a.Data.Slice(at, count).SequenceEqual(b.Data.Slice(at, count)))
                return false;
        }
        return true;
    }
}
