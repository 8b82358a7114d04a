using OnnxEff.Compression;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops.Llm;
using OnnxEff.Tests.Cli;
using Xunit;

namespace OnnxEff.Tests.Compression;

public class ExpectedWorkTests
{
    const double Speed = 1e10;

    static ExpectedWork Of(int tokens, bool fits)
    {
        var model = OnnxReader.Load(Demo.Model);
        model.Graph.Sort();
        var found = LinearFinder.Find(model.Graph, DecoderSignature.Recognise(model.Graph, out _)!);
        var windows = CalibrationWindows.Of(new int[tokens], tokens, 512);
        return new(model, found, windows, fits ? found.Sites : [], windows);
    }

    [Fact]
    public void A_longer_text_takes_longer_and_more_memory()
    {
        var (little, much) = (Of(4096, fits: true), Of(65536, fits: true));
        Assert.True(much.Minutes(1, Speed) > 2 * little.Minutes(1, Speed), $"{much.Minutes(1, Speed)} and {little.Minutes(1, Speed)}");
        Assert.True(much.Bytes > little.Bytes);
    }

    [Fact]
    public void Speed_is_measured_and_twice_of_it_takes_half_the_time()
    {
        Assert.InRange(TileSpeed.Measure(), 1e8, 1e12);
        Assert.Equal(Of(4096, fits: true).Minutes(1, Speed), 2 * Of(4096, fits: true).Minutes(1, 2 * Speed), 1e-9);
    }

    [Fact]
    public void A_fit_takes_longer_and_more_processors_take_less()
    {
        Assert.True(Of(4096, fits: true).Minutes(1, Speed) > 2 * Of(4096, fits: false).Minutes(1, Speed));
        Assert.Equal(Of(4096, fits: true).Minutes(1, Speed), 4 * Of(4096, fits: true).Minutes(4, Speed), 1e-9);
    }
}
