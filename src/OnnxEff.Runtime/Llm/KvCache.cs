using OnnxEff.Ir;
using OnnxEff.Ops.Llm;

namespace OnnxEff.Runtime;

/// <summary>How the KV cache of a decoder travels from one call to the next.</summary>
public enum KvContract
{
    /// <summary>Past has exactly the past's length; present is new and one call longer.</summary>
    Concat,

    /// <summary>Past and present are one buffer with room to spare; new tokens are written behind the old ones.</summary>
    InPlace,
}

/// <summary>The cache tensors of one session under either contract.</summary>
sealed class KvCache(IReadOnlyList<CachePair> pairs, KvContract contract, int firstCapacity) : IDisposable
{
    OrtTensor[] tensors = [];
    int rows;
    int capacity;

    /// <summary>Tensors in the order of the pairs; empty before <see cref="Reserve"/>.</summary>
    public IReadOnlyList<OrtTensor> Tensors => tensors;

    /// <summary>Makes sure that the tensors fit a call.</summary>
    /// <param name="batch">Sequences.</param>
    /// <param name="past">Tokens that are cached; 0 discards what was.</param>
    /// <param name="total">Tokens that will be.</param>
    public void Reserve(int batch, int past, int total)
    {
        if (contract == KvContract.Concat)
        {
            if (past == 0 || tensors.Length == 0) Replace(batch, 0, copy: 0);
        }
        else if (batch != rows || total > capacity)
            Replace(batch, Math.Max(total, Math.Max(firstCapacity, past == 0 ? 0 : 2 * capacity)), past);
    }

    /// <summary>Feeds and fetches of the cache for the next call.</summary>
    public void Bind(List<OrtFeed> feeds, List<OrtFetch> fetches)
    {
        for (var i = 0; i < pairs.Count; i++)
        {
            feeds.Add(new(pairs[i].Past.Name, tensors[i]));
            fetches.Add(new(pairs[i].Present.Name, contract == KvContract.InPlace ? tensors[i] : null));
        }
    }

    /// <summary>Lets the presents of a call be the pasts of the next.</summary>
    public void Accept(ReadOnlySpan<OrtTensor> presents)
    {
        if (contract == KvContract.InPlace) return;
        Dispose();
        tensors = presents.ToArray();
    }

    /// <summary>Keeps the first tokens only.</summary>
    public void Truncate(int length)
    {
        if (contract == KvContract.Concat) Replace(rows, length, length);
    }

    /// <summary>Releases the tensors.</summary>
    public void Dispose()
    {
        foreach (var tensor in tensors) tensor.Dispose();
        tensors = [];
    }

    void Replace(int batch, int length, int copy)
    {
        var next = new OrtTensor[pairs.Count];
        for (var i = 0; i < next.Length; i++)
        {
            // A window is one buffer for ever; what it holds is no longer the first tokens.
            next[i] = OrtTensor.Zeros(pairs[i].Element, pairs[i].Dims(batch, pairs[i].Window ?? length));
            if (copy > 0) CopyTokens(tensors[i], next[i], pairs[i], (int?)pairs[i].Window ?? copy);
        }
        Dispose();
        (tensors, rows, capacity) = (next, batch, length);
    }

    static void CopyTokens(OrtTensor source, OrtTensor target, CachePair pair, int tokens)
    {
        long outer = 1, inner = 1;
        for (var axis = 0; axis < target.Dims.Length; axis++)
        {
            if (axis < pair.LengthAxis) outer *= target.Dims[axis];
            else if (axis > pair.LengthAxis) inner *= target.Dims[axis];
        }
        var token = pair.Element.ByteLength(inner);
        var from = source.Bytes;
        var to = target.Bytes;
        for (long block = 0; block < outer; block++)
            from.Slice((int)(block * source.Dims[pair.LengthAxis] * token), (int)(tokens * token))
                .CopyTo(to[(int)(block * target.Dims[pair.LengthAxis] * token)..]);
    }
}
