using Xunit;

namespace OnnxEff.Tests.Testing;

/// <summary>The published operator library.</summary>
public static class OperatorLibrary
{
    /// <summary>Its path; skips the test where it was not published.</summary>
    public static string Require()
    {
        var path = Path.Combine(Fixtures.Root, "artifacts", "bin", "libonnxeff_ops.so");
        if (!File.Exists(path))
            Assert.Skip("The operator library is not in artifacts/bin: run ./build.sh publish.");
        return path;
    }
}
