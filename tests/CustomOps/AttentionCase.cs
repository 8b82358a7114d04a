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

    /// <summary>The mask of a plan, or null for none.</summary>
    public PlanCase? Plan { get; init; }

    public bool Sinks { get; init; }

    public bool Slopes { get; init; }

    /// <summary>Dv, or 0 for that of the other heads.</summary>
    public int ValueHeadSize { get; init; }

    /// <summary>Without it <see cref="Past"/> is all of T, however many queries there are.</summary>
    public bool Append { get; init; } = true;

    public ProductStage Stage { get; init; }

    public int WindowRight { get; init; } = -1;

    public int Chunk { get; init; }

    public bool ChunkFromFirstKey { get; init; }

    public bool Causal { get; init; } = true;

    public int Window { get; init; } = -1;

    public float Softcap { get; init; }

    public bool Interleaved { get; init; }

    public int Seed { get; init; } = 7;

    public int Total => Append ? Past + Sequence : Past;

    public AttentionAttributes Attributes => new(QueryHeads, KvHeads)
    {
        Causal = Causal,
        Window = Window,
        WindowRight = WindowRight,
        Chunk = Chunk,
        ChunkFromFirstKey = ChunkFromFirstKey,
        ValueHeadSize = ValueHeadSize,
        Append = Append,
        ProductStage = Stage,
        Softcap = Softcap,
        RotaryInterleaved = Interleaved,
    };

    /// <summary>The inputs with one number in the first rows of every past.</summary>
    public BlockMaskedAttention.Inputs WithPast(BlockMaskedAttention.Inputs inputs, int rows, float number)
    {
        Dense<float> Filled(Dense<float> past)
        {
            float[] data = [.. past.Data];
            for (int i = 0; i < data.Length; i++)
                if (i / HeadSize % Past < rows) data[i] = number;
            return new(past.Dims, data);
        }
        return inputs with { PastKey = Filled(inputs.PastKey!), PastValue = Filled(inputs.PastValue!) };
    }

    public BlockMaskedAttention.Inputs Draw()
    {
        var random = new Random(Seed);
        int pairs = RotaryPairs < 0 ? HeadSize / 2 : RotaryPairs, rows = Spare < 0 ? Past : Total + Spare;
        int dv = ValueHeadSize == 0 ? HeadSize : ValueHeadSize;
        int width = QueryHeads * HeadSize + (Packed ? KvHeads * (HeadSize + dv) : 0);
        bool apart = Append && !Packed;
        bool table = Rotates is Rotary.TableByPosition or Rotary.TableImplicit;
        long[] angles = table ? [Total + 3, pairs] : [Seed % 2 == 0 ? 1 : Batch, Sequence, pairs];
        var x = new BlockMaskedAttention.Inputs(Floats(random, Batch, Sequence, width))
        {
            Key = apart ? Floats(random, Batch, Sequence, KvHeads * HeadSize) : null,
            Value = apart ? Floats(random, Batch, Sequence, KvHeads * dv) : null,
            PastKey = rows > 0 || !Append ? Floats(random, Batch, KvHeads, rows, HeadSize) : null,
            PastValue = rows > 0 || !Append ? Floats(random, Batch, KvHeads, rows, dv) : null,
            TotalSequenceLength = Spare >= 0 || Keys is Mask.SeqlensFirst or Mask.SeqlensLater ? Total : null,
            Cos = Rotates == Rotary.None ? null : Floats(random, angles),
            Sin = Rotates == Rotary.None ? null : Floats(random, angles),
            PositionIds = Rotates == Rotary.TableByPosition ? Longs(random, Total + 3, Batch, Sequence) : null,
            Sinks = Sinks ? Floats(random, QueryHeads) : null,
            Slopes = Slopes ? Floats(random, QueryHeads) : null,
        };
        Dense<long>? mask = DrawMask(random);
        return x with
        {
            KeyMask = mask,
            SeqlensK = DrawSeqlens(random),
            Bias = Bias ? DrawBias(random) : null,
            Plan = Plan is null ? null : BlockMaskPlan.Reference(Plan.Attributes, Plan.Draw()),
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
        Mask.SeqlensLater => new([Batch], [.. Enumerable.Range(0, Batch).Select(_ => Total - Past + random.Next(Past + 1) - 1)]),
        _ => null,
    };

    Dense<float> DrawBias(Random random)
    {
        Dense<float> bias = Floats(random, Seed % 3 == 0 ? 1 : Batch, Seed % 2 == 0 ? 1 : QueryHeads, Seed % 5 == 0 ? 1 : Sequence, Total);
        for (int i = 0; i < bias.Data.Length; i++)
            if (random.Next(4) == 0) bias.Data[i] = random.Next(2) == 0 ? float.NegativeInfinity : -30f;
        return bias;
    }

    // Seven bits: every storage of the kernel holds them as they are.
    static Dense<float> Floats(Random random, params long[] dims) => new(dims, Fill(dims, () => random.Next(-128, 129) / 128f));

    static Dense<long> Longs(Random random, int below, params long[] dims) => new(dims, Fill(dims, () => (long)random.Next(below)));

    static T[] Fill<T>(long[] dims, Func<T> draw)
    {
        var data = new T[dims.Aggregate(1L, (a, b) => a * b)];
        for (int i = 0; i < data.Length; i++) data[i] = draw();
        return data;
    }
}
