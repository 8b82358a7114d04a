using System.Runtime.Intrinsics;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// What a query sees of 64 keys as the bits of a word. Rules are kept as numbers for each key, [B or 1, T rounded up to 64], and
/// combined word by word.
/// </summary>
sealed unsafe class MaskWords
{
    const int Keys = BlockMaskPlan.BlockK;

    readonly PlanGeometry g;
    readonly PlaceRule rule;
    readonly PlanTensors x;
    readonly ulong[]? keyWords, globalWords;
    readonly long[]? documents;
    readonly bool[]? isOneDocument; // For each block of keys.
    readonly TreeOrder? tree;
    readonly bool isPlaced;

    public MaskWords(PlanAttributes attributes, PlanGeometry geometry, PlanTensors tensors)
    {
        (g, x) = (geometry, tensors);
        rule = new(attributes.Window, attributes.Behind, attributes.Chunk);
        isPlaced = rule is not { Window: < 0, Behind: < 0, Chunk: 0 };
        keyWords = Words(x.KeyMask);
        globalWords = Words(x.GlobalKeys);
        if (x.Parents.Dims is not null) tree = new(g, x.Parents);
        if (x.DocumentIds.Dims is not null)
        {
            documents = Padded(x.DocumentIds);
            isOneDocument = [.. Enumerable.Range(0, documents.Length / Keys).Select(block => !documents.AsSpan(block * Keys, Keys).ContainsAnyExcept(documents[block * Keys]))];
        }
    }

    /// <summary>The blocks of keys of which queries [first, last) of a row can see something.</summary>
    public KeyRange Blocks(int first, int last)
    {
        if (!isPlaced || x.PrefixLengths.Dims is not null || globalWords is not null) return new(0, g.KeyBlocks);
        int to = Place(last - 1).To;
        return new(Place(first).From / Keys, (to + Keys - 1) / Keys);
    }

    /// <summary>All keys that a block has: the last one may have fewer than 64.</summary>
    public ulong All(int block) => Below(g.Total - (block * Keys));

    /// <summary>What query s of a row and head sees of a block of keys.</summary>
    public ulong Of(int b, int h, int s, int block)
    {
        ulong word = All(block) & Placed(b, s, block);
        if (keyWords is not null) word &= keyWords[RowOf(x.KeyMask, b) + block];
        if (documents is not null && word != 0) word &= Document(RowOf(x.DocumentIds, b) * Keys, s, block);
        if (tree is not null && word != 0) word &= tree.Ancestors(b, s, block);
        return word == 0 || x.Mask.Dims is null ? word : word & Dense(b, h, s, block);
    }

    ulong Placed(int b, int s, int block)
    {
        if (!isPlaced) return ulong.MaxValue;
        int at = g.Start + s, first = block * Keys;
        KeyRange range = Place(s);
        ulong word = Below(range.To - first) & ~Below(range.From - first);
        if (x.PrefixLengths.Dims is { } dims) word |= Below(((long*)x.PrefixLengths.Data)[dims[0] == 1 ? 0 : b] - first);
        if (globalWords is null) return word;
        int row = RowOf(x.GlobalKeys, b);
        return (globalWords[row + (at / Keys)] >> (at % Keys) & 1) != 0 ? ulong.MaxValue : word | globalWords[row + block];
    }

    KeyRange Place(int s) => rule.Of((long)g.Start + s, g.Total, 0);

    ulong Document(int row, int s, int block)
    {
        long own = documents![row + g.Start + s];
        if (isOneDocument![(row / Keys) + block]) return documents[row + (block * Keys)] == own ? ulong.MaxValue : 0;
        ulong word = 0;
        fixed (long* ids = &documents[row + (block * Keys)])
            for (int i = 0; i < Keys; i += Vector256<long>.Count)
                word |= (ulong)Vector256.Equals(Vector256.Load(ids + i), Vector256.Create(own)).ExtractMostSignificantBits() << i;
        return word;
    }

    ulong Dense(int b, int h, int s, int block)
    {
        long[] dims = x.Mask.Dims!;
        long row = (((dims[0] == 1 ? 0 : b) * dims[1]) + (dims[1] == 1 ? 0 : h)) * dims[2] + (dims[2] == 1 ? 0 : s);
        long at = row * dims[3] + (long)block * Keys;
        int count = Math.Min(Keys, g.Total - (block * Keys));
        return x.Mask.Kind switch
        {
            ElementType.Float32 => DenseBits.Of((float*)x.Mask.Data + at, count),
            ElementType.Float16 => DenseBits.Of((ushort*)x.Mask.Data + at, count, DenseBits.HalfThatHides),
            ElementType.BFloat16 => DenseBits.Of((ushort*)x.Mask.Data + at, count, DenseBits.BFloatThatHides),
            _ => DenseBits.Of((byte*)x.Mask.Data + at, count),
        };
    }

    // The first count bits.
    static ulong Below(long count) => count <= 0 ? 0 : count >= Keys ? ulong.MaxValue : (1UL << (int)count) - 1;

    // Where the blocks of a row begin; tensors with one row serve all.
    int RowOf(TensorPointer tensor, int b) => tensor.Dims![0] == 1 ? 0 : b * g.KeyBlocks;

    ulong[]? Words(TensorPointer mask)
    {
        if (mask.Dims is null) return null;
        var words = new ulong[mask.Dims[0] * g.KeyBlocks];
        for (long b = 0; b < mask.Dims[0]; b++)
            for (int key = 0; key < g.Total; key++)
                if (mask.IsSet(b * g.Total + key)) words[b * g.KeyBlocks + key / Keys] |= 1UL << (key % Keys);
        return words;
    }

    long[] Padded(TensorPointer ids)
    {
        var padded = new long[ids.Dims![0] * g.KeyBlocks * Keys];
        for (int b = 0; b < ids.Dims[0]; b++)
        {
            Span<long> row = padded.AsSpan(b * g.KeyBlocks * Keys, g.KeyBlocks * Keys);
            ids.Span<long>().Slice(b * g.Total, g.Total).CopyTo(row);
            if (g.Total > 0) row[g.Total..].Fill(row[g.Total - 1]);
        }
        return padded;
    }
}
