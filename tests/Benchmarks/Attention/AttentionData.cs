using System.Runtime.InteropServices;
using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ir;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.Attention;

/// <summary>
/// The tensors of a case, made when they are first asked for. Every way gets the same numbers, in the layout that it takes, so
/// that outputs can be compared.
/// </summary>
sealed class AttentionData(AttentionCase @case) : IDisposable
{
    readonly Dictionary<string, OrtTensor> made = [];

    public AttentionCase Case => @case;

    /// <summary>[1, S, Hq·D]</summary>
    public OrtTensor Query => Made("query", () => Noise(1, @case.Sequence, @case.QueryHeads * @case.HeadSize));

    /// <summary>[1, S, Hkv·D]</summary>
    public OrtTensor Key => Made("key", () => Noise(1, @case.Sequence, @case.KvHeads * @case.HeadSize));

    /// <summary>[1, S, Hkv·D]</summary>
    public OrtTensor Value => Made("value", () => Noise(1, @case.Sequence, @case.KvHeads * @case.HeadSize));

    /// <summary>[1, Hkv, P, D]</summary>
    public OrtTensor PastKey => Made("past_key", () => Noise(1, @case.KvHeads, @case.Past, @case.HeadSize));

    /// <summary>[1, Hkv, P, D]</summary>
    public OrtTensor PastValue => Made("past_value", () => Noise(1, @case.KvHeads, @case.Past, @case.HeadSize));

    /// <summary>S×T zeros and -∞ behind each query: [1, 1, S, T].</summary>
    public OrtTensor CausalBias => Made("bias", () =>
    {
        OrtTensor bias = OrtTensor.Zeros(ElementType.Float32, 1, 1, @case.Sequence, @case.Total);
        for (int s = 0; s < @case.Sequence; s++)
            bias.As<float>().Slice(s * @case.Total, @case.Total)[(@case.Past + s + 1)..].Fill(float.NegativeInfinity);
        return bias;
    });

    /// <summary>T - 1: [1].</summary>
    public OrtTensor LastKey => Made("seqlens_k", () => OrtTensor.From<int>([@case.Total - 1], 1));

    /// <summary>T: a scalar.</summary>
    public OrtTensor Total => Made("total_sequence_length", () => OrtTensor.From<int>([@case.Total], []));

    /// <summary>[1, S, Hq·D], one for each way.</summary>
    public OrtTensor NewOutput() => Fresh(1, @case.Sequence, @case.QueryHeads * @case.HeadSize);

    /// <summary>A present tensor [1, heads, T, D] to write.</summary>
    public OrtTensor NewPresent(int heads) => Fresh(1, heads, @case.Total, @case.HeadSize);

    /// <summary>A buffer [1, Hkv, T, D] with the past in its first rows; all ways write the same rows behind it.</summary>
    public OrtTensor KeyBuffer => Made("key_buffer", () => Buffer(@case.Past > 0 ? PastKey : null));

    /// <summary>As <see cref="KeyBuffer"/>, of values.</summary>
    public OrtTensor ValueBuffer => Made("value_buffer", () => Buffer(@case.Past > 0 ? PastValue : null));

    /// <summary>Heads of new tokens, [1, S, Hkv·D], once for each head of queries.</summary>
    public OrtTensor Repeated(OrtTensor tokens) => Repeat(tokens, @case.Sequence, 1, @case.Sequence);

    /// <summary>Heads of a past, [1, Hkv, P, D], once for each head of queries.</summary>
    public OrtTensor RepeatedPast(OrtTensor past) => Repeat(past, 1, @case.Past, @case.Past);

    public void Dispose()
    {
        foreach (OrtTensor tensor in made.Values) tensor.Dispose();
        made.Clear();
    }

    OrtTensor Repeat(OrtTensor heads, int groups, int rowsPerHead, int rows)
    {
        int bytes = rowsPerHead * @case.HeadSize * (int)@case.Element.ByteLength(1), group = @case.QueryHeads / @case.KvHeads;
        OrtTensor repeated = heads.Dims.Length == 3 ? Fresh(1, rows, @case.QueryHeads * @case.HeadSize) : Fresh(1, @case.QueryHeads, rows, @case.HeadSize);
        for (int i = 0; i < groups * @case.QueryHeads; i++)
            heads.Bytes.Slice(i / group * bytes, bytes).CopyTo(repeated.Bytes[(i * bytes)..]);
        return repeated;
    }

    OrtTensor Buffer(OrtTensor? past)
    {
        OrtTensor buffer = OrtTensor.Zeros(@case.Element, 1, @case.KvHeads, @case.Total, @case.HeadSize);
        if (past is null) return buffer;
        int from = (int)past.ByteLength / @case.KvHeads, to = (int)buffer.ByteLength / @case.KvHeads;
        for (int head = 0; head < @case.KvHeads; head++) past.Bytes.Slice(head * from, from).CopyTo(buffer.Bytes[(head * to)..]);
        return buffer;
    }

    OrtTensor Fresh(params long[] dims) => Made($"fresh {made.Count}", () => OrtTensor.Zeros(@case.Element, dims));

    OrtTensor Made(string name, Func<OrtTensor> make) => made.TryGetValue(name, out OrtTensor? known) ? known : made[name] = make();

    // Between -1 and 1, from a generator of Marsaglia's: what hidden states are after a norm, near enough.
    OrtTensor Noise(params long[] dims)
    {
        OrtTensor tensor = OrtTensor.Zeros(@case.Element, dims);
        uint state = 2463534242 + (uint)made.Count;
        if (@case.Element == ElementType.Float16)
            foreach (ref Half half in MemoryMarshal.Cast<byte, Half>(tensor.Bytes)) half = (Half)Next();
        else if (@case.Element == ElementType.BFloat16)
            foreach (ref BFloat16 bfloat in MemoryMarshal.Cast<byte, BFloat16>(tensor.Bytes)) bfloat = (BFloat16)Next();
        else
            foreach (ref float single in tensor.As<float>()) single = Next();
        return tensor;

        float Next()
        {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            return (int)state * (1f / int.MaxValue);
        }
    }
}
