using OnnxEff.Compression;
using Xunit;

namespace OnnxEff.Tests.Compression;

public class WorkersTests
{
    [Fact]
    public void A_limit_holds_until_it_is_lifted()
    {
        try
        {
            Workers.Limit(1);
            Assert.Equal(1, Workers.Count);
            var (running, most) = (0, 0);
            Workers.For(0, 64, _ =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                Thread.SpinWait(2000);
                Interlocked.Decrement(ref running);
            });
            Assert.Equal(1, most);
        }
        finally
        {
            Workers.Limit(0);
        }
        Assert.Equal(Environment.ProcessorCount, Workers.Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => Workers.Limit(-1));
    }
}
