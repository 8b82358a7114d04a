using OnnxEff.CustomOps.Cpu;
using Xunit;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The arithmetic of one vector width, lane by lane.</summary>
public abstract unsafe class LanesTests<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    [Fact]
    public void Reads_every_half_float() => EachHalf(TLanes.LoadHalf, (expected, actual) =>
    {
        if (float.IsNaN(expected)) Assert.True(float.IsNaN(actual));
        else AssertSameBits(expected, actual);
    });

    [Fact]
    public void Reads_every_finite_half_float_the_short_way() => EachHalf(TLanes.LoadFiniteHalf, (expected, actual) =>
    {
        if (float.IsFinite(expected)) AssertSameBits(expected, actual);
    });

    delegate TLanes Load(ushort* halves);

    static void EachHalf(Load load, Action<float, float> check)
    {
        ushort* halves = stackalloc ushort[TLanes.Count];
        float* floats = stackalloc float[TLanes.Count];
        for (int bits = 0; bits <= ushort.MaxValue; bits += TLanes.Count)
        {
            for (int i = 0; i < TLanes.Count; i++) halves[i] = (ushort)(bits + i);
            TLanes.Store(load(halves), floats);
            for (int i = 0; i < TLanes.Count; i++) check((float)BitConverter.UInt16BitsToHalf(halves[i]), floats[i]);
        }
    }

    static void AssertSameBits(float expected, float actual) => Assert.Equal(BitConverter.SingleToUInt32Bits(expected), BitConverter.SingleToUInt32Bits(actual));

    [Fact]
    public void Finds_every_half_float_that_is_not_finite_wherever_it_lies()
    {
        int count = 9 * TLanes.Count + 3; // Whole steps, and a rest.
        ushort* halves = stackalloc ushort[count];
        for (int i = 0; i < count; i++) halves[i] = (ushort)(i % 2 == 0 ? 0x7BFF : 0xFBFF);
        Assert.True(TLanes.AllFiniteHalves(halves, count));
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            int at = bits % count;
            ushort before = halves[at];
            halves[at] = (ushort)bits;
            Assert.Equal(Half.IsFinite(BitConverter.UInt16BitsToHalf((ushort)bits)), TLanes.AllFiniteHalves(halves, count));
            halves[at] = before;
        }
    }

    [Fact]
    public void Rounds_to_half_floats_as_the_framework_does()
    {
        ushort* halves = stackalloc ushort[TLanes.Count];
        float* floats = stackalloc float[TLanes.Count];
        for (uint bits = 0; bits < 0xFFFF0000; bits += 4099)
        {
            float value = BitConverter.UInt32BitsToSingle(bits);
            for (int i = 0; i < TLanes.Count; i++) floats[i] = value;
            TLanes.StoreHalf(TLanes.Load(floats), halves);
            ushort expected = BitConverter.HalfToUInt16Bits((Half)value);
            if (float.IsNaN(value)) Assert.True(Half.IsNaN(BitConverter.UInt16BitsToHalf(halves[TLanes.Count - 1])));
            else if (expected != halves[TLanes.Count - 1]) Assert.Fail($"{value} became {halves[TLanes.Count - 1]:x4}, not {expected:x4}.");
        }
    }

    [Fact]
    public void Writes_half_floats_in_the_order_of_the_lanes()
    {
        ushort* halves = stackalloc ushort[TLanes.Count];
        float* floats = stackalloc float[TLanes.Count];
        for (int i = 0; i < TLanes.Count; i++) floats[i] = 0.5f + i;
        TLanes.StoreHalf(TLanes.Load(floats), halves);
        for (int i = 0; i < TLanes.Count; i++) Assert.Equal(0.5f + i, (float)BitConverter.UInt16BitsToHalf(halves[i]));
    }

    [Fact]
    public void Reads_every_bfloat16()
    {
        ushort* stored = stackalloc ushort[TLanes.Count];
        float* floats = stackalloc float[TLanes.Count];
        for (int bits = 0; bits <= ushort.MaxValue; bits += TLanes.Count)
        {
            for (int i = 0; i < TLanes.Count; i++) stored[i] = (ushort)(bits + i);
            TLanes.Store(TLanes.LoadBFloat(stored), floats);
            for (int i = 0; i < TLanes.Count; i++) Assert.Equal((uint)stored[i] << 16, BitConverter.SingleToUInt32Bits(floats[i]));
        }
    }

    [Fact]
    public void Rounds_to_the_nearest_bfloat16()
    {
        ushort* stored = stackalloc ushort[TLanes.Count];
        float* floats = stackalloc float[TLanes.Count];
        for (uint bits = 0; bits < 0xFFFF0000; bits += 4099)
        {
            float value = BitConverter.UInt32BitsToSingle(bits);
            for (int i = 0; i < TLanes.Count; i++) floats[i] = value;
            TLanes.StoreBFloat(TLanes.Load(floats), stored);
            var nearest = (float)new BFloat16(stored[TLanes.Count - 1]);
            if (float.IsNaN(value)) Assert.True(float.IsNaN(nearest));
            else if (nearest != (float)(BFloat16)value) Assert.Fail($"{value} became {nearest}.");
            // Half a unit of the eighth bit away at most.
            else if (Math.Abs(value) is > 1e-37f and < 3e38f && Math.Abs((double)nearest - value) > Math.Abs((double)value) / 256) Assert.Fail($"{value} became {nearest}.");
        }
    }

    [Fact]
    public void Exponential_is_right_to_a_few_units_in_the_last_place()
    {
        for (float x = -86; x <= 2; x += 0.0371f)
        {
            double expected = Math.Exp(x);
            Assert.True(Math.Abs(Exp(x) - expected) <= expected * (2e-7 + 1e-7 * Math.Abs(x)), $"e^{x}");
        }
    }

    [Theory]
    [InlineData(float.NegativeInfinity, 0f), InlineData(float.MinValue, 0f), InlineData(-200f, 0f), InlineData(0f, 1f)]
    public void Exponential_is_exact_where_masks_need_it(float x, float expected) => Assert.Equal(expected, Exp(x));

    [Fact]
    public void Exponential_of_nan_is_nan() => Assert.True(float.IsNaN(Exp(float.NaN)));

    [Fact]
    public void Four_sums_come_in_the_order_of_their_vectors()
    {
        var sums = TLanes.Sum4(TLanes.Create(1), TLanes.Create(2), TLanes.Create(3), TLanes.Create(4));
        for (int i = 0; i < 4; i++) Assert.Equal((i + 1) * TLanes.Count, sums[i]);
    }

    static float Exp(float x)
    {
        float* lanes = stackalloc float[TLanes.Count];
        TLanes.Store(LaneMath<TLanes>.Exp(TLanes.Create(x)), lanes);
        return lanes[TLanes.Count - 1];
    }
}

public sealed class LanesV128Tests : LanesTests<V128>;

public sealed class LanesV256Tests : LanesTests<V256>;

public sealed class LanesV512Tests : LanesTests<V512>;
