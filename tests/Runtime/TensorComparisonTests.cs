using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Runtime;

/// <summary>Graphs that are no decoders.</summary>
public sealed class TensorComparisonTests : IDisposable
{
    static readonly LlmOptions Small = new() { Session = new() { IntraOpThreads = 1, Spinning = false } };

    readonly TempFolder folder = new();

    public TensorComparisonTests() => Native.Require();

    public static TheoryData<string> Encoders => [.. Fixtures.SharedFiles("model.onnx", "matrix").Where(f => f.Length == 0 || f.Contains("bert", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Encoders))]
    public void An_encoder_is_compared_on_rows_of_all_kinds(string file)
    {
        var model = VerifyModel.Load(Fixtures.Shared(file), Small);
        var report = Verifier.Compare(model, model);
        Assert.True(report.Passed, report.Verdict);
        Assert.Equal(["one row", "one token", "several rows", "padded on the right", "padded on the left"], report.Cases.Select(c => c.Name));
        Assert.All(report.Cases, c => Assert.Null(c.Skipped));
        Assert.All(report.Cases, c => Assert.NotEmpty(c.Tensors));
    }

    [Fact]
    public void Padding_is_not_compared()
    {
        var report = Verifier.Compare(Save(Encoder(atPadding: 0)), Save(Encoder(atPadding: 1000)));
        Assert.True(report.Passed, report.Verdict);
    }

    [Fact]
    public void A_difference_at_tokens_is_one()
    {
        var report = Verifier.Compare(Save(Encoder(atPadding: 0)), Save(Encoder(atPadding: 0, factor: 1.01f)));
        Assert.Equal(5, report.Reasons.Count);
        Assert.Contains("one row: y differs by ", report.Verdict);
    }

    [Fact]
    public void A_second_file_that_does_not_run_is_a_difference()
    {
        var report = Verifier.Compare(Save(Encoder(atPadding: 0)), Save(Encoder(atPadding: 0, positions: 8)));
        Assert.False(report.Passed);
        Assert.Contains(report.Cases, c => c is { Name: "one token", Passed: true });
        Assert.Contains(report.Cases, c => c is { Name: "one row", Passed: false });
    }

    [Fact]
    public void What_the_first_file_does_not_take_says_nothing_about_the_second()
    {
        var report = Verifier.Compare(Save(Encoder(atPadding: 0, positions: 8)), Save(Encoder(atPadding: 0, positions: 8)));
        Assert.True(report.Passed);
        Assert.Contains(report.Cases, c => c is { Name: "one row", Skipped.Length: > 0 });
        Assert.Contains(report.Cases, c => c is { Name: "one token", Skipped: null });
    }

    [Fact]
    public void A_file_that_takes_no_input_at_all_is_refused_with_the_runtimes_sentence()
    {
        var model = Save(new Sketch().Input("x", "N", "N", 4).Const("three", [3L]).Node("shape", "Concat", "three three three", ("axis", 0))
            .Node("y", "Reshape", "x shape").Output("y"));
        var fault = Assert.Throws<NotSupportedException>(() => Verifier.Compare(model, model));
        Assert.Contains("Reshape", fault.Message);
    }

    [Fact]
    public void A_window_cache_is_run_as_one_buffer_past_its_window()
    {
        var path = Fixtures.Shared("matrix", "gemma2--genai-fp32-wincache", "model.onnx");
        var report = Verifier.Compare(VerifyModel.Load(path, Small), VerifyModel.Load(path, Small));
        Assert.True(report.Passed, report.Verdict);
        Assert.Equal(["prefill", "chunk", "decode", "decode from nothing"], report.Cases.Where(c => c.Skipped is null).Select(c => c.Name));
        Assert.Contains(report.Cases, c => c.Skipped?.Contains("rows of one length", StringComparison.Ordinal) == true);
    }

    [Fact]
    public void A_window_cache_says_the_same_in_chunks_as_at_once()
    {
        var path = Fixtures.Shared("matrix", "gemma2--genai-fp32-wincache", "model.onnx");
        int[] tokens = [.. Enumerable.Range(0, 40).Select(i => (i * 37) % 256)];
        using var session = LlmSession.Open(path, Small);
        var (atOnce, inSteps) = (new float[256], new float[256]);
        using (var logits = session.Forward(tokens)) logits.CopyTo(0, -1, atOnce);
        session.Reset();
        foreach (var chunk in tokens.Chunk(5))
        {
            using var logits = session.Forward(chunk);
            logits.CopyTo(0, -1, inSteps);
        }
        Assert.All(atOnce.Zip(inSteps), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        Assert.Throws<NotSupportedException>(() => session.Truncate(10));
    }

    public void Dispose() => folder.Dispose();

    VerifyModel Save(Sketch sketch)
    {
        var path = folder[$"{Guid.NewGuid():N}.onnx"];
        OnnxWriter.Save(sketch.Model, path);
        return VerifyModel.Load(path, Small);
    }

    /// <summary>(word[ids] + place[0..S]) · factor, and a constant at padding.</summary>
    static Sketch Encoder(float atPadding, float factor = 1, int positions = 512) => new Sketch()
        .Input("ids", ElementType.Int64, "B", "S").Input("mask", ElementType.Int64, "B", "S")
        .Weight("words", 30, 8).Weight("places", positions, 8).Const("zero", [0L]).Const("one", [1L]).Const("last", [-1L]).Const("factor", factor).Const("pad", atPadding)
        .Node("shape", "Shape", "ids").Node("length", "Gather", "shape one").Node("place", "Slice", "places zero length zero")
        .Node("word", "Gather", "words ids").Node("sum", "Add", "word place").Node("scaled", "Mul", "sum factor")
        .Node("token", "Cast", "mask", ("to", (long)ElementType.Bool)).Node("keep", "Unsqueeze", "token last")
        .Node("y", "Where", "keep scaled pad").Output("y");
}
