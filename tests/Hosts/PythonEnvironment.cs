using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Hosts;

/// <summary>A Python with onnxruntime, onnxruntime-genai and numpy, made once from the wheels beside the repository; nothing is downloaded.</summary>
static class PythonEnvironment
{
    static readonly Lock Gate = new();

    /// <summary>Its interpreter; skips the test where there is no Python or no wheels that fit it.</summary>
    /// <param name="module">The module that the test imports.</param>
    public static string Require(string module = "onnxruntime")
    {
        lock (Gate)
        {
            var folder = Path.Combine(Fixtures.Root, "artifacts", "python");
            var interpreter = Path.Combine(folder, "bin", "python");
            if (Works(interpreter, module)) return interpreter;

            var wheels = Path.Combine(Fixtures.Root, "..", "shared", "wheels");
            if (!Directory.Exists(wheels)) Assert.Skip("The wheels of onnxruntime, onnxruntime-genai and numpy are not beside the repository (../shared/wheels).");
            // The wheels are built for one version, so the newest Python is not always the one that takes them.
            foreach (var name in (string[])["python3.11", "python3", "python3.12", "python3.13"])
            {
                if (Tool.Find(name) is not { } system) continue;
                if (Tool.Run(system, ["-m", "venv", "--clear", folder]).ExitCode != 0) continue;
                Tool.Run(interpreter, ["-m", "pip", "install", "--quiet", "--no-index", "--find-links", wheels, "onnxruntime", "onnxruntime-genai", "numpy"]);
                if (Works(interpreter, module)) return interpreter;
            }
            Assert.Skip("No installed Python takes the wheels in ../shared/wheels.");
            return "";
        }
    }

    static bool Works(string interpreter, string module) =>
        File.Exists(interpreter) && Tool.Run(interpreter, ["-c", $"import {module}, numpy"]).ExitCode == 0;
}
