using OnnxEff.GraphPasses.Raise.Positions;
using OnnxEff.Ir;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Raise.Positions;

public class RotaryFactTests
{
    static readonly long[] Positions = [.. Enumerable.Range(0, 40).Select(i => (long)i)];

    [Theory]
    [InlineData(10000, 16)]
    [InlineData(100000, 64)]
    [InlineData(500000, 128)]
    [InlineData(1000000, 32)]
    public void Finds_the_base(double theta, int width)
    {
        var (cos, sin) = Tables(Frequencies(theta, width), 1, width, doubled: false);
        Assert.Equal(new RotaryFact(width, theta, 1), RotaryFact.TryRecognize(cos, sin, Positions, width, interleaved: false));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Reads_tables_of_full_width(bool interleaved)
    {
        var (cos, sin) = Tables(Frequencies(10000, 16), 1, 16, doubled: true, interleaved);
        Assert.Equal(new RotaryFact(16, 10000, 1), RotaryFact.TryRecognize(cos, sin, Positions, 16, interleaved));
    }

    [Fact]
    public void Finds_the_attention_scaling()
    {
        var (cos, sin) = Tables(Frequencies(10000, 16), 1.3466, 16, doubled: false);
        Assert.Equal(1.3466, RotaryFact.TryRecognize(cos, sin, Positions, 16, interleaved: false)!.Scaling, 4);
    }

    [Fact]
    public void Calls_scaled_frequencies_explicit()
    {
        double[] scaled = [.. Frequencies(10000, 16).Select((f, i) => i < 4 ? f : f / 8)];
        var (cos, sin) = Tables(scaled, 1, 16, doubled: false);
        var fact = RotaryFact.TryRecognize(cos, sin, Positions, 16, interleaved: false);
        Assert.Null(fact!.Base);
        Assert.Equal("explicit frequencies, width 16", fact.ToString());
    }

    [Fact]
    public void Refuses_tables_that_do_not_turn_with_the_position()
    {
        var (cos, _) = Tables(Frequencies(10000, 16), 1, 16, doubled: false);
        Assert.Null(RotaryFact.TryRecognize(cos, cos, Positions, 16, interleaved: false));
    }

    static double[] Frequencies(double theta, int width) => [.. Enumerable.Range(0, width / 2).Select(i => Math.Pow(theta, -2.0 * i / width))];

    static (Tensor Cos, Tensor Sin) Tables(double[] frequencies, double scaling, int width, bool doubled, bool interleaved = false)
    {
        var columns = doubled ? width : width / 2;
        int Frequency(int column) => !doubled ? column : interleaved ? column / 2 : column % (width / 2);
        Tensor Table(Func<double, double> f) => Tensor.Create<float>([Positions.Length, columns], [.. from p in Positions
            from c in Enumerable.Range(0, columns) select (float)(scaling * f((float)(p * (float)frequencies[Frequency(c)])))]);
        return (Table(Math.Cos), Table(Math.Sin));
    }
}
