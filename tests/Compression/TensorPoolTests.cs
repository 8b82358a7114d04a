using OnnxEff.Compression;
using OnnxEff.Ir;
using OnnxEff.Rewriting;
using Xunit;

namespace OnnxEff.Tests.Compression;

public class TensorPoolTests
{
    /// <summary>Counts its runs in a tensor of a number and one of two.</summary>
    sealed class Counter : IEvaluation
    {
        int _runs;

        public IReadOnlyList<Tensor> Run(IReadOnlyDictionary<string, Tensor> inputs) => Run(inputs, length => new byte[length]);

        public IReadOnlyList<Tensor> Run(IReadOnlyDictionary<string, Tensor> inputs, Func<int, byte[]> memory)
        {
            _runs++;
            return [Of(1, memory), Of(2, memory)];
        }

        public void Dispose()
        {
        }

        Tensor Of(int count, Func<int, byte[]> memory)
        {
            var bytes = memory(count * sizeof(float));
            for (var i = 0; i < count; i++) BitConverter.TryWriteBytes(bytes.AsSpan(i * sizeof(float)), (float)_runs);
            return new(ElementType.Float32, [count], new TensorData(bytes));
        }
    }

    [Fact]
    public void What_was_not_given_back_keeps_its_values()
    {
        var (pool, counter) = (new TensorPool(), new Counter());
        var first = pool.Run(counter, new Dictionary<string, Tensor>());
        var second = pool.Run(counter, new Dictionary<string, Tensor>());
        Assert.Equal([1], first[0].As<float>());
        Assert.Equal([1, 1], first[1].As<float>());
        Assert.Equal([2, 2], second[1].As<float>());
    }

    [Fact]
    public void What_was_given_back_serves_the_next_result_of_its_size()
    {
        var (pool, counter) = (new TensorPool(), new Counter());
        var first = pool.Run(counter, new Dictionary<string, Tensor>());
        pool.Return(first[1]);
        pool.Return(first[1]); // Once is enough; more does no harm.
        var second = pool.Run(counter, new Dictionary<string, Tensor>());
        Assert.True(first[1].Data.IsSameMemory(second[1].Data));
        Assert.False(first[0].Data.IsSameMemory(second[0].Data));
        var third = pool.Run(counter, new Dictionary<string, Tensor>());
        Assert.False(second[1].Data.IsSameMemory(third[1].Data));
    }
}
