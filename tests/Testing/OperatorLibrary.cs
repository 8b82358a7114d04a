using Xunit;

namespace OnnxEff.Tests.Testing;

/// <summary>The published operator library.</summary>
public static class OperatorLibrary
{
    /// <summary>Its path; skips the test where it was not published.</summary>
    public static string Require()
    {
        if (OnnxEff.Cli.OperatorLibrary.Find(out var reason) is not { } library)
        {
            Assert.Skip(reason);
            return "";
        }
        return library.Path;
    }
}
