using OnnxEff.Runtime;
using Xunit;

namespace OnnxEff.Tests.Runtime;

static class Native
{
    /// <summary>Skips the test where no ONNX Runtime is at hand.</summary>
    public static void Require()
    {
        if (OrtLibrary.TryFind(out var reason) is null) Assert.Skip(reason);
    }
}
