using OnnxEff.Ir;
using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Runtime;

public class LlmSessionTests
{
    public LlmSessionTests() => Native.Require();

    public static TheoryData<string> Cells => [.. Fixtures.SharedFiles("model.onnx", "matrix")
        .Select(f => Path.GetFileName(Path.GetDirectoryName(f)) ?? "")
        .Where(c => !c.StartsWith("bert", StringComparison.Ordinal) && !c.EndsWith("wincache", StringComparison.Ordinal))];

    static readonly LlmOptions Small = new() { Session = new() { IntraOpThreads = 1, Spinning = false } };

    static LlmSession Open(string cell, LlmOptions? options = null) =>
        LlmSession.Open(Fixtures.SharedModels("matrix", cell, "model.onnx"), options ?? Small);

    static double Tolerance(string cell) => cell.Contains("fp16", StringComparison.Ordinal) ? 5e-2
        : cell.Contains("int4", StringComparison.Ordinal) ? 1e-2 : 1e-4;

    [Theory]
    [MemberData(nameof(Cells))]
    public void A_padded_prompt_and_the_step_after_it_give_the_reference_logits(string cell)
    {
        if (cell.Length == 0) Assert.Skip("The larger models are absent.");
        using var session = Open(cell);
        var side = session.Padding(out _) ?? throw new InvalidOperationException("Every cell takes a mask.");
        // The step of a 4-bit cell starts from the cache of the full model, which is not what the prompt leaves here.
        foreach (var number in cell.Contains("int4", StringComparison.Ordinal) ? (int[])[0] : [0, 1])
        {
            var folder = Fixtures.SharedModels("matrix", cell, $"test_data_set_{number}");
            if (!Directory.Exists(folder)) continue;
            var reference = new ReferenceData(folder);
            var names = session.Signature;
            var batch = Tokens(reference.Inputs[names.TokenIds.Name], reference.Inputs[names.AttentionMask!.Name], side);
            using var logits = session.Forward(batch);
            AssertLogits(reference, names.Logits.Name, logits, Tolerance(cell));
        }
    }

    [Theory]
    [InlineData("llama--genai-fp32")]
    [InlineData("gpt_oss--genai-fp32")]
    [InlineData("llama--genai-fp16-cuda")]
    public void Both_cache_contracts_give_the_same_logits(string cell)
    {
        using var shared = Open(cell, Small with { Contract = KvContract.InPlace, Capacity = 4 });
        using var grown = Open(cell, Small with { Contract = KvContract.Concat });
        int[][] calls = [[5, 6, 7], [8], [9], [10, 11, 12, 13, 14], [15]];
        foreach (var call in calls)
        {
            using var a = shared.Forward(call);
            using var b = grown.Forward(call);
            AssertClose(a.Tensor.ToFloats(), b.Tensor.ToFloats(), 1e-5);
        }
        Assert.Equal(11, shared.PastLength);
    }

    [Theory]
    [InlineData("llama--optimum")]
    [InlineData("llama--genai-fp32")]
    public void Cutting_the_cache_back_lets_generation_go_on_from_there(string cell)
    {
        using var session = Open(cell);
        session.Forward(1, 2, 3, 4).Dispose();
        using var first = session.Forward(5);
        session.Forward(99, 98, 97).Dispose();
        session.Truncate(4);
        using var again = session.Forward(5);
        AssertClose(first.Tensor.ToFloats(), again.Tensor.ToFloats(), 1e-5);
    }

    [Fact]
    public void A_reset_session_takes_another_number_of_sequences()
    {
        using var session = Open("llama--genai-fp32");
        session.Forward(1, 2).Dispose();
        session.Reset();
        using var logits = session.Forward(TokenBatch.Of([[1, 2], [3, 4]]));
        Assert.Equal(2, logits.Rows);
    }

    [Fact]
    public void The_number_of_sequences_cannot_change_on_the_way()
    {
        using var session = Open("llama--optimum");
        session.Forward(1, 2).Dispose();
        Assert.Throws<ArgumentException>(() => session.Forward(TokenBatch.Of([[1], [2]])));
    }

    [Fact]
    public void Padding_on_the_wrong_side_is_refused()
    {
        using var session = Open("llama--optimum");
        Assert.Throws<ArgumentException>(() => session.Forward(TokenBatch.Of([[1, 2], [3]], PaddingSide.Right)));
    }

    [Fact]
    public void A_graph_that_concatenates_takes_no_shared_buffer()
    {
        var options = Small with { Contract = KvContract.InPlace };
        Assert.Throws<NotSupportedException>(() => Open("llama--optimum", options));
    }

    [Fact]
    public void A_token_outside_of_the_vocabulary_fails_and_leaves_the_session_usable()
    {
        using var session = Open("llama--optimum");
        session.Forward(1, 2).Dispose();
        Assert.Contains("1000000", Assert.Throws<InvalidDataException>(() => session.Forward(1_000_000)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => session.Forward(-1));
        Assert.Equal(2, session.PastLength);
        session.Forward(3).Dispose();
        Assert.Equal(3, session.PastLength);
    }

    [Fact]
    public void More_tokens_than_the_model_has_positions_for_are_named()
    {
        using var session = Open("gpt2--optimum");
        session.Forward(1, 2).Dispose();
        var fault = Assert.Throws<OrtException>(() => session.Forward(new int[400]));
        Assert.StartsWith("The model does not run on 400 tokens behind 2 others", fault.Message, StringComparison.Ordinal);
        Assert.Equal(2, session.PastLength);
        session.Forward(3).Dispose();
    }

    /// <summary>The token ids as a batch, padded where the mask says so.</summary>
    static TokenBatch Tokens(Tensor ids, Tensor mask, PaddingSide side)
    {
        var (rows, columns, total) = ((int)ids.Dims[0], (int)ids.Dims[1], (int)mask.Dims[1]);
        return TokenBatch.Of([.. Enumerable.Range(0, rows).Select(row => Enumerable.Range(0, columns)
            .Where(c => mask.As<long>()[(row * total) + total - columns + c] != 0).Select(c => (int)ids.As<long>()[(row * columns) + c]).ToArray())], side);
    }

    static void AssertLogits(ReferenceData reference, string output, LlmLogits logits, double tolerance)
    {
        using var expected = OrtTensor.From(reference.Outputs[output]);
        var (want, got) = (new float[logits.Vocabulary], new float[logits.Vocabulary]);
        for (var row = 0; row < logits.Rows; row++)
        {
            var (first, end) = reference.Range(output, row);
            for (var position = first; position < end; position++)
            {
                expected.CopyRow((long)row * logits.Positions + position, want);
                logits.CopyTo(row, position, got);
                AssertClose(want, got, tolerance);
            }
        }
    }

    static void AssertClose(float[] expected, float[] actual, double tolerance)
    {
        var largest = expected.Zip(actual, (e, a) => Math.Abs((double)e - a)).Max();
        Assert.True(largest <= tolerance, $"differs by {largest}");
    }
}
