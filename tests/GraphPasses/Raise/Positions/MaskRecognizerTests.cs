using OnnxEff.GraphPasses.Raise.Positions;
using OnnxEff.Ir;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Raise.Positions;

public class MaskRecognizerTests
{
    static readonly long[] Windows = [4, 9];

    static readonly PositionSample[] Samples = [.. PositionSample.Draw(Windows)];

    [Theory]
    [InlineData(true, null, true)]
    [InlineData(true, null, false)]
    [InlineData(false, null, true)]
    [InlineData(false, null, false)]
    [InlineData(true, 4L, true)]
    [InlineData(true, 9L, false)]
    public void Finds_the_rule_of_an_additive_mask(bool causal, long? window, bool padding)
    {
        var rule = new MaskFact(causal, window, padding);
        Assert.True(Recognise(s => Additive(s, rule, double.NegativeInfinity), out var fact, out var because));
        Assert.Equal(rule, fact);
        Assert.Equal($"agreed on {Samples.Length} of {Samples.Length} samples", because);
    }

    [Fact]
    public void Finds_the_rule_of_a_boolean_mask()
    {
        var rule = new MaskFact(true, null, true);
        Assert.True(Recognise(s => Shown(s, rule), out var fact, out _));
        Assert.Equal(rule, fact);
    }

    [Fact]
    public void Takes_the_lowest_float_for_a_hidden_key() =>
        Assert.True(Recognise(s => Additive(s, new(true, null, false), float.MinValue), out _, out _));

    [Fact]
    public void Reads_a_mask_that_broadcasts_over_queries()
    {
        Assert.True(Recognise(s => Tensor.Create<bool>([s.Batch, 1, 1, s.Total], [.. from b in Enumerable.Range(0, s.Batch)
            from k in Enumerable.Range(0, s.Total) select s.IsToken(b, k)]), out var fact, out _));
        Assert.Equal(new MaskFact(false, null, true), fact);
    }

    [Fact]
    public void Ignores_rows_of_padding()
    {
        var rule = new MaskFact(true, null, true);
        Assert.True(Recognise(s => Filled(s, (b, q, k) => !s.IsToken(b, s.Past + q) || rule.Sees(s, b, q, k)), out var fact, out _));
        Assert.Equal(rule, fact);
    }

    [Fact]
    public void Refuses_a_bias_that_is_no_mask()
    {
        Assert.False(Recognise(s => Tensor.Create<float>([1, 1, s.New, s.Total], [.. Enumerable.Range(0, s.New * s.Total).Select(i => -0.5f * i)]), out _, out var because));
        Assert.Contains("neither 0 nor low enough to hide a key", because);
    }

    [Fact]
    public void Refuses_a_rule_that_no_candidate_says()
    {
        Assert.False(Recognise(s => Filled(s, (_, q, k) => (q + k) % 2 == 0), out _, out var because));
        Assert.Contains("no combination of causal, window and padding", because);
    }

    [Fact]
    public void Refuses_a_mask_of_another_shape()
    {
        Assert.False(Recognise(s => Tensor.Create<bool>([s.New + 1, s.Total], new bool[(s.New + 1) * s.Total]), out _, out var because));
        Assert.Contains("was expected", because);
    }

    [Fact]
    public void Claims_no_padding_where_no_input_says_it()
    {
        var evaluated = Samples.Select(s => (s, Shown(s, new(true, null, true)))).ToList();
        Assert.False(MaskRecognizer.TryRecognize(evaluated, Windows, hasPaddingInput: false, out _, out _));
    }

    static bool Recognise(Func<PositionSample, Tensor> mask, out MaskFact fact, out string because) =>
        MaskRecognizer.TryRecognize([.. Samples.Select(s => (s, mask(s)))], Windows, hasPaddingInput: true, out fact, out because);

    static Tensor Shown(PositionSample s, MaskFact rule) => Filled(s, (b, q, k) => rule.Sees(s, b, q, k));

    static Tensor Filled(PositionSample s, Func<int, int, int, bool> sees) => Tensor.Create<bool>([s.Batch, 1, s.New, s.Total],
        [.. from b in Enumerable.Range(0, s.Batch) from q in Enumerable.Range(0, s.New) from k in Enumerable.Range(0, s.Total) select sees(b, q, k)]);

    static Tensor Additive(PositionSample s, MaskFact rule, double hidden) => Tensor.Create<float>([s.Batch, 1, s.New, s.Total],
        [.. Shown(s, rule).ToInt64()!.Select(v => v != 0 ? 0f : (float)hidden)]);
}
