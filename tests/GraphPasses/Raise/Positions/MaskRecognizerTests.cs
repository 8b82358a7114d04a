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
    public void Keeps_numbers_that_follow_no_rule_beside_the_rule()
    {
        var meaning = Meaning(s => Tensor.Create<float>([1, 1, s.New, s.Total], [.. Enumerable.Range(0, s.New * s.Total).Select(i => (float)Math.Sin(i))]));
        Assert.Equal(new MaskFact(false, null, false), meaning.Rule);
        Assert.True(meaning.HasBias);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Finds_the_slopes_of_alibi_from_wherever_keys_are_counted(int origin)
    {
        double[] slopes = [0.5, 0.25, 0.125];
        var meaning = Meaning(s => Tensor.Create<float>([1, 3, 1, s.Total],
            [.. from h in slopes from k in Enumerable.Range(0, s.Total) select (float)(h * (k - origin))]));
        Assert.Equal(slopes, meaning.Slopes!);
        Assert.False(meaning.HasBias);
    }

    [Theory]
    [InlineData(4L, 3L)]
    [InlineData(9L, 8L)]
    public void Finds_a_window_to_both_sides(long window, long ahead)
    {
        var rule = new MaskFact(false, window, true) { WindowRight = ahead };
        Assert.True(Recognise(s => Shown(s, rule), out var fact, out _));
        Assert.Equal(rule, fact);
    }

    [Theory]
    [InlineData(4L, false)]
    [InlineData(9L, true)]
    public void Finds_chunks(long size, bool fromFirstToken)
    {
        var rule = new MaskFact(true, null, true) { Chunk = size, ChunkFromFirstToken = fromFirstToken };
        Assert.True(Recognise(s => Shown(s, rule), out var fact, out _));
        Assert.Equal(rule, fact);
    }

    [Fact]
    public void Reads_a_window_off_a_table_that_no_number_names()
    {
        var rule = new MaskFact(true, 5, false);
        Assert.True(Recognise(s => Shown(s, rule), out var fact, out _));
        Assert.Equal(rule, fact);
    }

    [Fact]
    public void Refuses_a_rule_that_no_candidate_says()
    {
        Assert.False(Recognise(s => Filled(s, (_, q, k) => (q + k) % 2 == 0), out _, out var because));
        Assert.Contains("no combination of causal, window, chunks and padding", because);
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
        Assert.Null(Meaning(s => Shown(s, new(true, null, true)), hasPaddingInput: false).Rule);
    }

    static bool Recognise(Func<PositionSample, Tensor> mask, out MaskFact? fact, out string because)
    {
        var meaning = Meaning(mask);
        (fact, because) = (meaning.Rule, meaning.Because);
        return fact is not null && !meaning.HasBias;
    }

    static MaskMeaning Meaning(Func<PositionSample, Tensor> mask, bool hasPaddingInput = true)
    {
        var grids = new List<MaskGrid>();
        foreach (var sample in Samples)
        {
            var grid = new MaskGrid(sample);
            if (grid.Add(mask(sample), trueHides: false) is { } because)
                return new(null, null, true, because);
            grids.Add(grid);
        }
        return MaskRecognizer.Recognize(grids, Windows, hasPaddingInput);
    }

    static Tensor Shown(PositionSample s, MaskFact rule) => Filled(s, (b, q, k) => rule.Sees(s, b, q, k));

    static Tensor Filled(PositionSample s, Func<int, int, int, bool> sees) => Tensor.Create<bool>([s.Batch, 1, s.New, s.Total],
        [.. from b in Enumerable.Range(0, s.Batch) from q in Enumerable.Range(0, s.New) from k in Enumerable.Range(0, s.Total) select sees(b, q, k)]);

    static Tensor Additive(PositionSample s, MaskFact rule, double hidden) => Tensor.Create<float>([s.Batch, 1, s.New, s.Total],
        [.. Shown(s, rule).ToInt64()!.Select(v => v != 0 ? 0f : (float)hidden)]);
}
