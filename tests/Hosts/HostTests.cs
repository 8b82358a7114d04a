using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Hosts;

/// <summary>Programs outside the project load the operator library and a rewritten file and decode as before.</summary>
public sealed class HostTests(RewrittenModel model) : IClassFixture<RewrittenModel>
{
    const string Prompt = "0,33,261,357,476,290,628,288";
    const string Count = "24";

    [Fact]
    public void A_c_program_gets_the_originals_tokens()
    {
        var compiler = Tool.Find("cc", "gcc", "clang");
        if (compiler is null) Assert.Skip("There is no C compiler.");
        using var folder = new TempFolder();
        var built = Tool.Run(compiler, ["-O1", "-Wall", "-Wextra", "-Werror", Path.Combine(Fixtures.Root, "samples", "C", "main.c"), "-ldl", "-o", folder["main"]]);
        Assert.True(built.ExitCode == 0, built.Error);
        AssertSameTokens(folder["main"], [RewrittenModel.OrtLibrary]);
    }

    [Fact]
    public void A_python_program_gets_the_originals_tokens() =>
        AssertSameTokens(PythonEnvironment.Require(), [Path.Combine(Fixtures.Root, "samples", "Python", "run.py")]);

    [Fact]
    public void A_csharp_program_gets_the_originals_tokens() =>
        AssertSameTokens("dotnet", [Path.Combine(AppContext.BaseDirectory, "OnnxEff.Samples.CSharp.dll")]);

    void AssertSameTokens(string program, string[] leading)
    {
        var library = model.Library;
        var original = Tool.Run(program, [.. leading, model.Original, Prompt, Count]);
        Assert.True(original.ExitCode == 0, original.Error);
        var rewritten = Tool.Run(program, [.. leading, model.Rewritten, Prompt, Count, library]);
        Assert.True(rewritten.ExitCode == 0, rewritten.Error);
        Assert.Equal(original.Output, rewritten.Output);
        Assert.Equal(int.Parse(Count), original.Output.Split(',').Length);
    }
}
