using OnnxEff.Compression;
using OnnxEff.GraphPasses;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops.Llm;
using OnnxEff.Runtime;
using OnnxEff.Tests.Cli;
using OnnxEff.Tests.Runtime;
using Xunit;

namespace OnnxEff.Tests.Compression;

/// <summary>Statistics of the demo model, run in pieces.</summary>
public class CalibrationTests
{
    static readonly CalibrationWindows Windows = CalibrationWindows.Of([.. Enumerable.Range(0, 160).Select(i => i * 13 % 2048)], wanted: 160, window: 40);

    readonly Model _model;
    readonly DecoderSignature _signature;
    readonly FoundLinears _found;
    readonly IReadOnlyList<GraphSegment> _segments;

    public CalibrationTests()
    {
        Native.Require();
        _model = OnnxReader.Load(Demo.Model);
        Optimizer.Run(_model, new() { Target = Target.Ort }, new OrtEvaluator());
        _model.Graph.Sort();
        _signature = DecoderSignature.Recognise(_model.Graph, out _)!;
        _found = LinearFinder.Find(_model.Graph, _signature);
        _segments = GraphSegments.Cut(_model.Graph, [.. _found.Sites.Select(site => site.Input)]);
    }

    CalibrationRun Run()
    {
        var run = new CalibrationRun(_model, _signature, Windows, new OrtEvaluator());
        run.Prepare(_segments);
        return run;
    }

    [Fact]
    public void All_linear_layers_are_found_but_the_one_that_makes_the_logits()
    {
        Assert.Equal(6 * 4, _found.Sites.Count);
        Assert.Equal(4423680, _found.Weights);
        Assert.Equal("/lm_head/MatMul: it makes the logits", Assert.Single(_found.Skipped) is var left ? $"{left.Node}: {left.Sentence}" : "");
    }

    [Fact]
    public void What_a_form_cannot_hold_is_left_and_the_rest_is_not()
    {
        var odd = _found.Sites[1].Linears[0];
        var rest = _found.Without(linear => linear == odd ? "it is odd" : null);
        Assert.Equal(_found.Weights - ((long)odd.Inputs * odd.Outputs), rest.Weights);
        Assert.DoesNotContain(odd, rest.Linears);
        Assert.Equal((odd.Name, "it is odd"), (rest.Skipped[^1].Node, rest.Skipped[^1].Sentence));
        Assert.Empty(_found.Without(_ => "all are odd").Sites);
    }

    [Fact]
    public void The_second_moment_is_the_sum_of_products_over_the_tokens()
    {
        var run = Run();
        foreach (var (segment, site) in _segments.Zip(_found.Sites).Take(5))
        {
            var moment = new InputMoment(site.Inputs);
            run.Run(segment, moment, keepsTaps: true);
            Assert.Equal(Windows.TokenCount, moment.Tokens);
            var (k, sum) = (site.Inputs, new double[site.Inputs * site.Inputs]);
            foreach (var x in run.Taps.Select(tap => tap.As<float>().ToArray()))
                for (var token = 0; token < Windows.Window; token++)
                    for (var i = 0; i < k; i++)
                        for (var j = 0; j < k; j++) sum[i * k + j] += (double)x[token * k + i] * x[token * k + j];
            var largest = sum.Max() / moment.Tokens;
            var second = moment.Second();
            for (var i = 0; i < sum.Length; i++) Assert.Equal(sum[i] / moment.Tokens, second[i], 1e-5 * largest);
        }
    }

    [Fact]
    public void Pieces_make_what_the_whole_model_makes()
    {
        var run = Run();
        foreach (var segment in _segments) run.Run(segment, null, keepsTaps: true);
        var whole = _model;
        whole.Graph.Outputs.Clear();
        whole.Graph.Outputs.Add(_segments[^1].Tap);
        whole.Graph.RemoveDead();
        using var evaluation = new OrtEvaluator().Open(whole);
        var feeds = Windows.Feeds(2, _signature);
        var expected = evaluation.Run(feeds)[0].As<float>().ToArray();
        Assert.Equal(expected, run.Taps[2].As<float>().ToArray());
    }

    [Fact]
    public void Without_drift_a_weight_is_what_it_was_and_with_it_outputs_stay_nearer()
    {
        const int k = 24, tokens = 400;
        var (weight, x) = (Problems.Normal(3 * k, 1), Problems.Normal(tokens * k, 2));
        float[] drifted = [.. Enumerable.Range(0, x.Length).Select(at => 0.8f * x[at] + 0.3f * x[at % k == 0 ? at + k - 1 : at - 1])]; // Inputs leak into their neighbours.
        float[] Moment(float[] a, float[] b) => [.. Enumerable.Range(0, k * k).Select(at => (float)(Enumerable.Range(0, tokens).Sum(t => (double)a[t * k + at / k] * b[t * k + at % k]) / tokens))];
        double Distance(float[] w) => Enumerable.Range(0, 3 * tokens).Sum(at =>
        {
            double y = 0;
            for (var i = 0; i < k; i++) y += w[at % 3 * k + i] * drifted[at / 3 * k + i] - weight[at % 3 * k + i] * x[at / 3 * k + i];
            return y * y;
        });
        Assert.Equal(weight, DriftCorrection.Of(weight, Moment(x, x), Moment(x, x), k));
        Assert.True(Distance(DriftCorrection.Of(weight, Moment(drifted, drifted), Moment(drifted, x), k)) < 0.2 * Distance(weight));
    }

    [Fact]
    public void Inputs_that_are_not_finite_are_refused_by_name()
    {
        var fault = Assert.Throws<InvalidDataException>(() => new InputMoment(2).Add("layer 3", 1, Tensor.Create<float>([2, 2], [1, 0, 0, float.NaN]), null));
        Assert.Equal("On the calibration text, number 1 of 'layer 3' is not finite or too large to square, so what reads it cannot be quantised.", fault.Message);
    }

    [Fact]
    public void A_text_that_is_too_short_is_refused() =>
        Assert.StartsWith("The calibration text has 31 tokens", Assert.Throws<InvalidDataException>(() => CalibrationWindows.Of(new int[31], 512, 512)).Message, StringComparison.Ordinal);
}
