using OnnxEff.Ops;

namespace OnnxEff.Tests.CustomOps;

/// <summary>A drawn attention call: sizes and which optional parts it has. The seed decides the values.</summary>
public sealed record AttentionCase(int Batch, int Sequence, int Past, int QueryHeads, int KvHeads, int HeadSize)
{
    public enum Mask { None, LeftPadding, RightPadding, Holes, SeqlensFirst, SeqlensLater }

    public enum Rotary { None, PerToken, TableByPosition, TableImplicit }

    public Mask Keys { get; init; }

    public Rotary Rotates { get; init; }

    public int RotaryPairs { get; init; } = -1;

    public bool Packed { get; init; }

    /// <summary>Rows of the past buffer beyond T, or -1 for a past of exactly its length.</summary>
    public int Spare { get; init; } = -1;

    public bool Bias { get; init; }

    public bool Sinks { get; init; }

    public bool Causal { get; init; } = true;

    public int Window { get; init; } = -1;

    public float Softcap { get; init; }

    public bool Interleaved { get; init; }

    public int Seed { get; init; } = 7;

    public int Total => Past + Sequence;

    public AttentionAttributes Attributes => new(QueryHeads, KvHeads)
    {
        Causal = Causal,
        Window = Window,
        Softcap = Softcap,
        RotaryInterleaved = Interleaved,
    };

    public BlockMaskedAttention.Inputs Draw()
    {
        var random = new Random(Seed);
        int pairs = RotaryPairs < 0 ? HeadSize / 2 : RotaryPairs, rows = Spare < 0 ? Past : Total + Spare;
        int width = (Packed ? QueryHeads + 2 * KvHeads : QueryHeads) * HeadSize;
        bool table = Rotates is Rotary.TableByPosition or Rotary.TableImplicit;
        long[] angles = table ? [Total + 3, pairs] : [Seed % 2 == 0 ? 1 : Batch, Sequence, pairs];
        var x = new BlockMaskedAttention.Inputs(Floats(random, Batch, Sequence, width))
        {
            Key = Packed ? null : Floats(random, Batch, Sequence, KvHeads * HeadSize),
            Value = Packed ? null : Floats(random, Batch, Sequence, KvHeads * HeadSize),
            PastKey = rows > 0 ? Floats(random, Batch, KvHeads, rows, HeadSize) : null,
            PastValue = rows > 0 ? Floats(random, Batch, KvHeads, rows, HeadSize) : null,
            TotalSequenceLength = Spare >= 0 || Keys is Mask.SeqlensFirst or Mask.SeqlensLater ? Total : null,
            Cos = Rotates == Rotary.None ? null : Floats(random, angles),
            Sin = Rotates == Rotary.None ? null : Floats(random, angles),
            PositionIds = Rotates == Rotary.TableByPosition ? Longs(random, Total + 3, Batch, Sequence) : null,
            Sinks = Sinks ? Floats(random, QueryHeads) : null,
        };
        Dense<long>? mask = DrawMask(random);
        return x with
        {
            KeyMask = mask,
            SeqlensK = DrawSeqlens(random),
            Bias = Bias ? DrawBias(random) : null,
        };
    }

    Dense<long>? DrawMask(Random random)
    {
        if (Keys is not (Mask.LeftPadding or Mask.RightPadding or Mask.Holes)) return null;
        Dense<long> mask = new([Batch, Total], new long[Batch * Total]);
        for (int b = 0; b < Batch; b++)
        {
            int cut = random.Next(Total + 1);
            for (int t = 0; t < Total; t++)
                mask.Data[b * Total + t] = Keys switch
                {
                    Mask.LeftPadding => t >= cut ? 1 : 0,
                    Mask.RightPadding => t < cut ? 1 : 0,
                    _ => random.Next(3) == 0 ? 0 : 1,
                };
        }
        return mask;
    }

    Dense<int>? DrawSeqlens(Random random) => Keys switch
    {
        Mask.SeqlensFirst => new([Batch], [.. Enumerable.Range(0, Batch).Select(_ => random.Next(Sequence + 1) - 1)]),
        Mask.SeqlensLater => new([Batch], [.. Enumerable.Range(0, Batch).Select(_ => Sequence + random.Next(Past + 1) - 1)]),
        _ => null,
    };

    Dense<float> DrawBias(Random random)
    {
        Dense<float> bias = Floats(random, Seed % 3 == 0 ? 1 : Batch, Seed % 2 == 0 ? 1 : QueryHeads, Seed % 5 == 0 ? 1 : Sequence, Total);
        for (int i = 0; i < bias.Data.Length; i++)
            if (random.Next(4) == 0) bias.Data[i] = random.Next(2) == 0 ? float.NegativeInfinity : -30f;
        return bias;
    }

    static Dense<float> Floats(Random random, params long[] dims) => new(dims, Fill(dims, () => (float)(Half)(random.NextSingle() * 2 - 1)));

    static Dense<long> Longs(Random random, int below, params long[] dims) => new(dims, Fill(dims, () => (long)random.Next(below)));

    static T[] Fill<T>(long[] dims, Func<T> draw)
    {
        var data = new T[dims.Aggregate(1L, (a, b) => a * b)];
        for (int i = 0; i < data.Length; i++) data[i] = draw();
        return data;
    }
}
