using OnnxEff.Ir;
using OnnxEff.Runtime;
using Xunit;

namespace OnnxEff.Tests.Runtime;

public class OrtTensorTests
{
    public OrtTensorTests() => Native.Require();

    [Fact]
    public unsafe void Memory_is_zeroed_and_aligned_to_64_bytes()
    {
        using var tensor = OrtTensor.Zeros(ElementType.Float32, 3, 5);
        fixed (byte* first = tensor.Bytes) Assert.Equal(0, (nint)first % 64);
        Assert.All(tensor.ToFloats(), value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData(ElementType.Float16)]
    [InlineData(ElementType.BFloat16)]
    [InlineData(ElementType.Float64)]
    public void Narrow_types_keep_what_they_can_hold(ElementType element)
    {
        float[] values = [0, 1, -2.5f, 1024, 0.0078125f, float.PositiveInfinity];
        using var tensor = OrtTensor.Zeros(element, 2, 3);
        Floats.Narrow(element, values, tensor.Bytes);
        Assert.Equal(values, tensor.ToFloats());
        var row = new float[3];
        tensor.CopyRow(1, row);
        Assert.Equal(values[3..], row);
    }

    [Fact]
    public void A_BFloat16_NaN_stays_a_NaN()
    {
        var bytes = new byte[2];
        Floats.Narrow(ElementType.BFloat16, [BitConverter.UInt32BitsToSingle(0x7F800001)], bytes);
        var back = new float[1];
        Floats.Widen(ElementType.BFloat16, bytes, back);
        Assert.True(float.IsNaN(back[0]));
    }

    [Fact]
    public void A_view_shares_memory_and_outlives_its_origin()
    {
        var origin = OrtTensor.From<long>([1, 2, 3, 4, 5, 6], 2, 3);
        using var view = origin.View(1, 4);
        origin.As<long>()[3] = 40;
        origin.Dispose();
        Assert.Equal([1, 2, 3, 40], view.As<long>().ToArray());
    }

    [Fact]
    public void Absurd_dimensions_are_refused_before_anything_is_allocated()
    {
        Assert.Throws<ArgumentException>(() => OrtTensor.Zeros(ElementType.Float32, long.MaxValue, 2));
        Assert.Throws<ArgumentException>(() => OrtTensor.Zeros(ElementType.Float32, -1));
        Assert.Throws<ArgumentException>(() => OrtTensor.Zeros(ElementType.String, 2));
    }

    [Fact]
    public void A_disposed_tensor_cannot_be_read()
    {
        var tensor = OrtTensor.Zeros(ElementType.Float32, 2);
        tensor.Dispose();
        Assert.Throws<ObjectDisposedException>(() => tensor.ToFloats());
    }
}
