using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.Compression;

/// <summary>
/// Memory of the values that go from segment to segment. Windows and layers make the same shapes again and again, so what one has done with serves the
/// next: the system gives out large fresh memory page by page, which costs more than to fill it.
/// </summary>
public sealed class TensorPool
{
    readonly Dictionary<int, Stack<byte[]>> _free = [];
    readonly Dictionary<Tensor, byte[]> _lent = new(ReferenceEqualityComparer.Instance);

    /// <summary>Runs a model; its results lie in memory of this pool.</summary>
    public IReadOnlyList<Tensor> Run(IEvaluation evaluation, IReadOnlyDictionary<string, Tensor> inputs)
    {
        var arrays = new List<byte[]>();
        var results = evaluation.Run(inputs, length =>
        {
            var array = _free.TryGetValue(length, out var known) && known.TryPop(out var free) ? free : GC.AllocateUninitializedArray<byte>(length);
            arrays.Add(array);
            return array;
        });
        for (var i = 0; i < results.Count; i++) _lent.Add(results[i], arrays[i]);
        return results;
    }

    /// <summary>Takes a tensor's memory back; nobody may read it any more. Other tensors are left alone.</summary>
    public void Return(Tensor tensor)
    {
        if (!_lent.Remove(tensor, out var array)) return;
        if (!_free.TryGetValue(array.Length, out var known)) _free.Add(array.Length, known = []);
        known.Push(array);
    }
}
