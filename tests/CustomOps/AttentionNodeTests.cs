using System.Runtime.InteropServices;
using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops;
using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;
using static OnnxEff.Tests.CustomOps.AttentionCase;
using OrtException = OnnxEff.Runtime.OrtException;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The operator as a node of a session, from the published library.</summary>
public class AttentionNodeTests
{
    static readonly AttentionCase Plain = new(2, 3, 5, 4, 2, 16);

    public static TheoryData<AttentionCase> Forms => new()
    {
        Plain,
        Plain with { Spare = 4, Keys = Mask.SeqlensLater, Rotates = Rotary.TableByPosition },
        Plain with { ValueHeadSize = 24, Packed = true, Slopes = true, Window = 3, Causal = false },
        Plain with { Append = false, Sequence = 7, ValueHeadSize = 8, Keys = Mask.Holes, Bias = true, Sinks = true },
        Plain with { Chunk = 3, ChunkFromFirstKey = true, Keys = Mask.LeftPadding, Stage = ProductStage.Softmax },
        Plain with { WindowRight = 1, Causal = false, Softcap = 2, Stage = ProductStage.Masked },
        Plain with { Plan = new(2, 3, 8) { Documents = 4, MaskHeads = 2 } },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_session_computes_what_the_reference_says(AttentionCase c)
    {
        (BlockMaskedAttention.Inputs x, BlockMaskedAttention.Outputs expected) = AttentionCases.Expected(c);
        foreach ((ElementType kind, double tolerance) in new[] { (ElementType.Float32, 1e-5), (ElementType.Float16, 4e-3), (ElementType.BFloat16, 3.2e-2) })
        {
            Dictionary<string, Dense<float>> actual = Run(c.Attributes, x, kind);
            AttentionRun.Near(expected.Output, actual["output"], tolerance);
            AttentionRun.Near(expected.Product, actual["qk_matmul_output"], tolerance);
            if (c.Append) AttentionRun.Near(expected.PresentKey, actual["present_key"], 2 * tolerance);
            if (c.Append) AttentionRun.Near(expected.PresentValue, actual["present_value"], 1e-6);
        }
    }

    static readonly AttentionCase Prompt = new(2, 70, 130, 4, 2, 16);

    /// <summary>Prompts without a rotation, whose queries bfloat16 holds as they are, and with one.</summary>
    public static TheoryData<AttentionCase> Prompts => new()
    {
        Prompt,
        Prompt with { Sequence = 129, Past = 0, HeadSize = 128, KvHeads = 4 },
        Prompt with { Past = 1, HeadSize = 40, ValueHeadSize = 20 },
        Prompt with { Window = 5, HeadSize = 8, ValueHeadSize = 5 },
        Prompt with { Window = 70, Past = 131, Keys = Mask.Holes, Causal = false },
        Prompt with { HeadSize = 7, Keys = Mask.LeftPadding },
        Prompt with { Chunk = 33, Softcap = 2, Slopes = true, Sinks = true, Bias = true },
        Prompt with { Plan = new(2, 70, 200) { Documents = 4, MaskHeads = 2 } },
        Prompt with { Rotates = Rotary.TableImplicit, Keys = Mask.SeqlensLater },
        Prompt with { Rotates = Rotary.PerToken, Packed = true, HeadSize = 24 },
    };

    [Theory]
    [MemberData(nameof(Prompts))]
    public void A_prompt_in_bfloat16_is_as_exact_as_declared(AttentionCase c)
    {
        (BlockMaskedAttention.Inputs x, BlockMaskedAttention.Outputs expected) = AttentionCases.Expected(c);
        // Weights that sum to 1 and values up to 1, weights and outputs rounded by 2⁻⁹ each; the reference's float, and fp32 sums, beside it.
        double tolerance = c.Rotates == Rotary.None ? Math.Pow(2, -8) + 2e-5 : 3.2e-2;
        AttentionRun.Near(expected.Output, Run(c.Attributes, x, ElementType.BFloat16)["output"], tolerance);
    }

    [Theory]
    [InlineData(float.NaN), InlineData(float.PositiveInfinity)]
    public void Hidden_numbers_stay_out_of_a_prompt_in_bfloat16(float poison)
    {
        AttentionCase c = new(1, 70, 10, 4, 2, 16);
        var mask = new long[c.Total];
        Array.Fill(mask, 1, 5, c.Total - 5);
        BlockMaskedAttention.Inputs clean = c.Draw() with { KeyMask = new([1, c.Total], mask) };
        Dictionary<string, Dense<float>> expected = Run(c.Attributes, clean, ElementType.BFloat16);
        AttentionRun.Near(expected["output"], Run(c.Attributes, c.WithPast(clean, rows: 5, poison), ElementType.BFloat16)["output"], Math.Pow(2, -8));
    }

    public static TheoryData<string, AttentionCase, BlockMaskedAttention.Inputs> Hostile()
    {
        AttentionCase table = Plain with { Spare = 4, Keys = Mask.SeqlensLater, Rotates = Rotary.TableByPosition };
        BlockMaskedAttention.Inputs x = table.Draw(), all = (Plain with { Append = false }).Draw();
        return new()
        {
            { "seqlens_k[1] is -7", table, x with { SeqlensK = new([2], [4, -7]) } },
            { "seqlens_k[0] is 2147483647", table, x with { SeqlensK = new([2], [int.MaxValue, 4]) } },
            { "seqlens_k[0] is -2147483648", table, x with { SeqlensK = new([2], [int.MinValue, 4]) } },
            { "seqlens_k is [1]", table, x with { SeqlensK = new([1], [4]) } },
            { "The total sequence length is -1", table, x with { TotalSequenceLength = -1 } },
            { "past_key has 12 rows", table, x with { TotalSequenceLength = int.MaxValue >> 2 } },
            { "position_ids holds -1", table, x with { PositionIds = new([2, 3], [0, 1, -1, 0, 1, 2]) } },
            { "outside of the cos/sin table", table, x with { PositionIds = new([2, 3], [0, 1, long.MaxValue, 0, 1, 2]) } },
            { "past_value is", table, x with { PastValue = new([2, 2, 11, 16], new float[2 * 2 * 11 * 16]) } },
            { "key_mask is [2, 7]", Plain, Plain.Draw() with { KeyMask = new([2, 7], new long[14]), TotalSequenceLength = 8 } },
            { "bias is [1, 1, 1, 9]", Plain, Plain.Draw() with { Bias = new([1, 1, 1, 9], new float[9]), KeyMask = new([2, 8], new long[16]) } },
            { "slopes is [5]", Plain, Plain.Draw() with { Slopes = new([5], new float[5]) } },
            { "plan_tiles holds [5, -1]", Plain, Plain.Draw() with { Plan = new(new([1, 1, 2], [0, 1]), new([1, 2], [5, -1]), new([0, 4], [])) } },
            { "plan_splits is [3, 1, 2]", Plain, Plain.Draw() with { Plan = new(new([3, 1, 2], [0, 1, 0, 1, 0, 1]), new([1, 2], [0, -1]), new([0, 4], [])) } },
            { "key and value must be absent", Plain with { Append = false }, all with { Key = new([2, 3, 32], new float[192]), Value = new([2, 3, 32], new float[192]) } },
            { "past_key and past_value must be given", Plain with { Append = false }, all with { PastKey = null, PastValue = null } },
        };
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Hostile_inputs_become_an_error_status(string sentence, AttentionCase c, BlockMaskedAttention.Inputs x)
    {
        var error = Assert.Throws<OrtException>(() => Run(c.Attributes, x, ElementType.Float32));
        Assert.Contains(sentence, error.Message);
    }

    [Fact]
    public void A_present_without_append_becomes_an_error_status()
    {
        AttentionCase c = Plain with { Append = false };
        var error = Assert.Throws<OrtException>(() => Run(c.Attributes, c.Draw(), ElementType.Float32, ["output", "present_key"]));
        Assert.Contains("append = 0 writes no cache", error.Message);
    }

    static Dictionary<string, Dense<float>> Run(AttentionAttributes attributes, BlockMaskedAttention.Inputs x, ElementType kind, string[]? wanted = null)
    {
        Dictionary<string, OrtTensor> feeds = Feeds(x, kind);
        wanted ??= attributes.Append ? ["output", "present_key", "present_value", "qk_matmul_output"] : ["output", "qk_matmul_output"];
        var options = OrtSessionOptions.Small with { CustomOpLibraries = [OperatorLibrary.Require()] };
        using var session = OrtSession.FromBytes(OnnxWriter.ToBytes(NodeModel(attributes, feeds, wanted)), options);
        OrtTensor[] results = [.. session.Run([.. feeds.Select(f => new OrtFeed(f.Key, f.Value))], [.. wanted.Select(name => new OrtFetch(name))])];
        return wanted.Zip(results).ToDictionary(p => p.First, p => new Dense<float>(p.Second.Dims.ToArray(), p.Second.ToFloats()));
    }

    static Dictionary<string, OrtTensor> Feeds(BlockMaskedAttention.Inputs x, ElementType kind)
    {
        var feeds = new Dictionary<string, OrtTensor>();
        foreach ((string name, Dense<float>? tensor) in new[]
            { ("query", x.Query), ("key", x.Key), ("value", x.Value), ("past_key", x.PastKey), ("past_value", x.PastValue), ("cos", x.Cos),
              ("sin", x.Sin), ("bias", x.Bias), ("sinks", x.Sinks), ("slopes", x.Slopes) })
            if (tensor is not null) feeds[name] = Stored(tensor, kind);
        if (x.KeyMask is { } mask) feeds["key_mask"] = OrtTensor.From<long>(mask.Data, mask.Dims);
        if (x.PositionIds is { } positions) feeds["position_ids"] = OrtTensor.From<long>(positions.Data, positions.Dims);
        if (x.SeqlensK is { } lengths) feeds["seqlens_k"] = OrtTensor.From<int>(lengths.Data, lengths.Dims);
        if (x.Plan is { } plan)
        {
            feeds["plan_splits"] = OrtTensor.From<int>(plan.Splits.Data, plan.Splits.Dims);
            feeds["plan_tiles"] = OrtTensor.From<int>(plan.Tiles.Data, plan.Tiles.Dims);
            feeds["plan_bits"] = OrtTensor.From<long>(plan.Bits.Data, plan.Bits.Dims);
        }
        if (x.TotalSequenceLength is { } total) feeds["total_sequence_length"] = OrtTensor.From<int>([total], []);
        return feeds;
    }

    static OrtTensor Stored(Dense<float> tensor, ElementType kind)
    {
        OrtTensor stored = OrtTensor.Zeros(kind, tensor.Dims);
        for (int i = 0; i < tensor.Data.Length; i++)
            if (kind == ElementType.Float32) MemoryMarshal.Cast<byte, float>(stored.Bytes)[i] = tensor.Data[i];
            else if (kind == ElementType.Float16) MemoryMarshal.Cast<byte, Half>(stored.Bytes)[i] = (Half)tensor.Data[i];
            else MemoryMarshal.Cast<byte, BFloat16>(stored.Bytes)[i] = (BFloat16)tensor.Data[i];
        return stored;
    }

    static Model NodeModel(AttentionAttributes attributes, Dictionary<string, OrtTensor> feeds, string[] wanted)
    {
        OperatorSchema schema = BlockMaskedAttention.Schema;
        var graph = new Graph("one");
        ElementType kind = feeds["query"].Element;
        Value?[] inputs = [.. schema.Inputs.Select(p => feeds.TryGetValue(p.Name, out OrtTensor? tensor)
            ? graph.AddInput(p.Name, new TensorType(tensor.Element, new TensorShape([.. tensor.Dims.ToArray().Select((_, i) => Dim.Symbol($"{p.Name}_{i}"))])))
            : null)];
        Node node = graph.AddNode(schema.Name, OnnxEffOperators.Domain, inputs);
        foreach (ParameterSchema parameter in schema.Outputs)
        {
            Value output = node.AddOutput(wanted.Contains(parameter.Name) ? parameter.Name : "", new TensorType(kind, null));
            if (wanted.Contains(parameter.Name)) graph.Outputs.Add(output);
        }
        (string Name, long Value)[] integers =
        [
            ("num_heads", attributes.QueryHeads), ("kv_num_heads", attributes.KvHeads), ("causal", attributes.Causal ? 1 : 0),
            ("window", attributes.Window), ("window_right", attributes.WindowRight), ("chunk", attributes.Chunk),
            ("chunk_from_first_key", attributes.ChunkFromFirstKey ? 1 : 0), ("value_head_size", attributes.ValueHeadSize),
            ("append", attributes.Append ? 1 : 0), ("qk_matmul_output_mode", (long)attributes.ProductStage),
            ("rotary_interleaved", attributes.RotaryInterleaved ? 1 : 0),
        ];
        foreach ((string name, long value) in integers) node.SetAttribute(name, new IntAttribute(value));
        node.SetAttribute("scale", new FloatAttribute(attributes.Scale));
        node.SetAttribute("softcap", new FloatAttribute(attributes.Softcap));
        var model = new Model(graph) { IrVersion = 8 };
        model.Opsets[""] = 17;
        model.Opsets[OnnxEffOperators.Domain] = OnnxEffOperators.Version;
        return model;
    }
}
