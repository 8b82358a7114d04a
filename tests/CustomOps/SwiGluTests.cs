using System.Runtime.Intrinsics.X86;
using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ir;
using OnnxEff.Ops;
using Xunit;
using OrtException = OnnxEff.Runtime.OrtException;

namespace OnnxEff.Tests.CustomOps;

/// <summary>The kernel of SwiGlu against the scalar reference, on guarded memory, at every width of registers.</summary>
public unsafe class SwiGluTests
{
    // Around registers of 4, 8 and 16, around 256, which are computed at once, and enough for threads.
    public static TheoryData<int, float> Cases
    {
        get
        {
            var data = new TheoryData<int, float>();
            foreach (int count in (int[])[0, 1, 7, 8, 9, 17, 255, 257, 4097, 20001])
                foreach (float alpha in (float[])[1, 1.702f]) data.Add(count, alpha);
            return data;
        }
    }

    // An exponent is rounded to so many of its bits, so that a power is off by more where it is larger.
    [Theory]
    [MemberData(nameof(Cases))]
    public void Outputs_are_what_the_reference_says(int count, float alpha)
    {
        (float[] gate, float[] up) = (Draw(count, 20, 1), Draw(count, 3, 2));
        float[] expected = SwiGlu.Reference(gate, up, alpha);
        ParallelFor threads = (items, body) => Parallel.For(0, items, body);
        foreach (ParallelFor? parallel in (ParallelFor?[])[null, threads])
            foreach ((string level, float[] actual) in AtEachLevel(gate, up, alpha, parallel))
                for (int i = 0; i < count; i++)
                    if (!(Math.Abs(actual[i] - expected[i]) <= (4 + Math.Abs(alpha * gate[i])) * MathF.ScaleB(1, -23) * Math.Abs(expected[i]) + 1e-30)) Assert.Fail($"{level}: {actual[i]} at {i}, not {expected[i]}.");
    }

    [Theory]
    [InlineData(1, 1536)]
    [InlineData(3, 17)]
    [InlineData(0, 8)]
    [InlineData(5, 4099)]
    public void Halves_of_one_tensor_are_as_good_as_two(int rows, int width)
    {
        (float[] gate, float[] up) = (Draw(rows * width, 20, 1), Draw(rows * width, 3, 2));
        float[] both = [.. Enumerable.Range(0, rows).SelectMany(row => gate.Skip(row * width).Take(width).Concat(up.Skip(row * width).Take(width)))];
        ParallelFor threads = (items, body) => Parallel.For(0, items, body);
        foreach (ElementType kind in (ElementType[])[ElementType.Float32, ElementType.Float16])
            foreach (ParallelFor? parallel in (ParallelFor?[])[null, threads])
            {
                using var memory = new Arena();
                TensorPointer apart = memory.Empty([rows, width], kind), joined = memory.Empty([rows, width], kind);
                SwiGluKernel.Run<V128>(kind, 1, memory.Copy(Stored(kind, [rows, width], gate)).Data, memory.Copy(Stored(kind, [rows, width], up)).Data, apart.Data, (1, (long)rows * width), null);
                SwiGluKernel.Run<V128>(kind, 1, memory.Copy(Stored(kind, [rows, 2 * width], both)).Data, null, joined.Data, (rows, width), parallel);
                // What stands in a register of its own in one is behind the last in the other.
                Assert.All(Arena.Read(apart).Data.Zip(Arena.Read(joined).Data), e => Assert.Equal(e.First, e.Second, Math.Abs(e.First) * (kind == ElementType.Float32 ? 4e-6 : 1e-3) + 1e-7));
            }
    }

    [Fact]
    public void Gates_far_out_close_and_what_is_no_number_stays_none()
    {
        float[] gate = [-1e30f, -200, 0, 200, 1e30f, float.NaN, float.PositiveInfinity, -90], up = [.. Enumerable.Repeat(1f, gate.Length)];
        foreach ((_, float[] actual) in AtEachLevel([.. gate, .. gate, .. gate], [.. up, .. up, .. up], 1, null))
            foreach (float[] part in actual.Chunk(gate.Length))
            {
                Assert.Equal([0, 200, 1e30f], part[2..5]);
                Assert.InRange(part[1], -1e-30, 0);
                Assert.InRange(part[7], -1e-30, 0);
                Assert.Equal(float.NaN, part[5]);
                Assert.Equal(float.PositiveInfinity, part[6]);
            }
    }

    [Theory]
    [InlineData(ElementType.Float32, 1e-6)]
    [InlineData(ElementType.Float16, 2e-3)]
    public void A_session_computes_what_the_reference_says(ElementType kind, double tolerance)
    {
        float[] gate = [.. Draw(3 * 77, 8, 3).Select(x => (float)(Half)x)], up = [.. Draw(3 * 77, 2, 4).Select(x => (float)(Half)x)];
        Dense<float> actual = Run(kind, gate, up, 77);
        Assert.Equal([1, 3, 77], actual.Dims);
        Assert.All(SwiGlu.Reference(gate, up, 1).Zip(actual.Data), e => Assert.InRange(e.Second - e.First, -tolerance * (1 + Math.Abs(e.First)), tolerance * (1 + Math.Abs(e.First))));
    }

    [Fact]
    public void A_session_takes_both_in_one_tensor()
    {
        float[] both = Draw(3 * 2 * 33, 8, 5);
        Dense<float> actual = LinearNode.Run(new([1, 3, 66], both), ElementType.Float32, SwiGlu.Schema, []);
        Assert.Equal([1, 3, 33], actual.Dims);
        float[][] rows = [.. both.Chunk(33)];
        Assert.All(Enumerable.Range(0, 3).SelectMany(row => SwiGlu.Reference(rows[2 * row], rows[2 * row + 1], 1)).Zip(actual.Data), e => Assert.Equal(e.First, e.Second, 1e-6 * (1 + Math.Abs(e.First))));
    }

    [Fact]
    public void A_session_refuses_a_tensor_that_is_not_both() =>
        Assert.Contains("gate is [1, 3, 67]: without up", Assert.Throws<OrtException>(() => LinearNode.Run(new([1, 3, 67], new float[3 * 67]), ElementType.Float32, SwiGlu.Schema, [])).Message);

    [Fact]
    public void A_session_refuses_an_up_of_other_sizes() =>
        Assert.Contains("up is [1, 3, 76], not [1, 3, 77]", Assert.Throws<OrtException>(() => Run(ElementType.Float32, new float[3 * 77], new float[3 * 76], 76)).Message);

    static Dense<float> Run(ElementType kind, float[] gate, float[] up, int width) => LinearNode.Run(new([1, 3, 77], gate), kind, SwiGlu.Schema,
        [("up", Stored(kind, [1, 3, width], up))]);

    static Tensor Stored(ElementType kind, long[] dims, float[] values) =>
        kind == ElementType.Float32 ? Tensor.Create<float>(dims, values) : Tensor.Create<Half>(dims, [.. values.Select(x => (Half)x)]);

    static List<(string Level, float[] Output)> AtEachLevel(float[] gate, float[] up, float alpha, ParallelFor? parallel)
    {
        var outputs = new List<(string, float[])> { ("128", Run<V128>(gate, up, alpha, parallel)) };
        if (Avx2.IsSupported) outputs.Add(("256", Run<V256>(gate, up, alpha, parallel)));
        if (Avx512BW.IsSupported) outputs.Add(("512", Run<V512>(gate, up, alpha, parallel)));
        return outputs;
    }

    static float[] Run<TLanes>(float[] gate, float[] up, float alpha, ParallelFor? parallel) where TLanes : unmanaged, ILanes<TLanes>
    {
        using var memory = new Arena();
        TensorPointer output = memory.Empty([gate.Length], ElementType.Float32);
        SwiGluKernel.Run<TLanes>(ElementType.Float32, alpha, memory.Copy(Tensor.Vector<float>(gate)).Data, memory.Copy(Tensor.Vector<float>(up)).Data, output.Data, (1, gate.Length), parallel);
        return Arena.Read(output).Data;
    }

    static float[] Draw(int count, float range, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2 - 1) * range)];
    }
}
