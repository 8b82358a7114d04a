using OnnxEff.Tests.Testing;
using Xunit;
using OperatorLibrary = OnnxEff.Cli.OperatorLibrary;

namespace OnnxEff.Tests.Hosts;

/// <summary>The demo model, and what the command line makes of it, once for all hosts.</summary>
public sealed class RewrittenModel : IDisposable
{
    readonly TempFolder folder = new();
    readonly Lazy<string> rewritten;

    public RewrittenModel() => rewritten = new(() =>
    {
        var result = CliProcess.Run("optimize", Original, folder["kjv.onnx"], "--no-verify");
        return result.ExitCode == 0 ? folder["kjv.onnx"] : throw new InvalidOperationException(result.Error);
    });

    /// <summary>As exported.</summary>
    public string Original { get; } = Path.Combine(Fixtures.Root, "models", "kjv", "model.onnx");

    /// <summary>For the operator library.</summary>
    public string Rewritten => rewritten.Value;

    /// <summary>The operator library; skips the test where it is not published.</summary>
    public string Library
    {
        get
        {
            var library = OperatorLibrary.Find(out var reason);
            if (library is null) Assert.Skip(reason);
            return library.Path;
        }
    }

    /// <summary>ONNX Runtime's native library; skips the test where it is absent.</summary>
    public static string OrtLibrary
    {
        get
        {
            var library = OnnxEff.Runtime.OrtLibrary.TryFind(out var reason);
            if (library is null) Assert.Skip(reason);
            return library.Path;
        }
    }

    public void Dispose() => folder.Dispose();
}
