using System.Runtime.InteropServices;
using OnnxEff.Ir;

namespace OnnxEff.Cli.Diff;

/// <summary>Numbers tensors so that two have one number if and only if type, dimensions and all bytes are equal, whatever their names.</summary>
sealed class TensorClasses
{
    const int Sample = 1 << 12; // Bytes that tell most tensors apart, so that only equal ones are read to their end.
    const int Chunk = 1 << 20;

    readonly Dictionary<Tensor, int> classes = new(ReferenceEqualityComparer.Instance);
    readonly Dictionary<(ElementType, string, int), List<Tensor>> alike = [];

    /// <summary>The number of a tensor.</summary>
    public int Of(Tensor tensor)
    {
        if (classes.TryGetValue(tensor, out var known)) return known;
        var bucket = CollectionsMarshal.GetValueRefOrAddDefault(alike, (tensor.Element, DimsOf(tensor), SampleOf(tensor)), out _) ??= [];
        var equal = bucket.Find(other => AreEqual(tensor, other));
        if (equal is null) bucket.Add(tensor);
        return classes[tensor] = equal is null ? classes.Count : classes[equal];
    }

    static string DimsOf(Tensor tensor) => string.Join(' ', tensor.Dims.ToArray());

    static int SampleOf(Tensor tensor)
    {
        var hash = new HashCode();
        var length = (int)Math.Min(Sample, tensor.Data.Length);
        hash.AddBytes(tensor.Data.Slice(0, length));
        hash.AddBytes(tensor.Data.Slice((tensor.Data.Length - length) / 2, length));
        return hash.ToHashCode();
    }

    static bool AreEqual(Tensor a, Tensor b)
    {
        if (a.Strings is { } strings) return strings.Zip(b.Strings!).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));
        if (a.Data.IsSameMemory(b.Data)) return true;
        for (long at = 0; at < a.Data.Length; at += Chunk)
        {
            var count = (int)Math.Min(Chunk, a.Data.Length - at);
            if (!a.Data.Slice(at, count).SequenceEqual(b.Data.Slice(at, count))) return false;
        }
        return true;
    }
}
