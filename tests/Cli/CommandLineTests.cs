using OnnxEff.Cli;
using OnnxEff.Cli.Shell;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

/// <summary>What holds for every verb.</summary>
public class CommandLineTests
{
    public static TheoryData<string> Verbs => [.. CommandLine.Root(Nowhere).Subcommands.Where(c => !c.Hidden).Select(c => c.Name)];

    static Terminal Nowhere => new(TextWriter.Null, TextWriter.Null, outputIsScreen: false, errorIsScreen: false, colour: false);

    [Theory]
    [MemberData(nameof(Verbs))]
    public void The_help_of_every_verb_shows_an_example(string verb)
    {
        var (code, output, _) = Run(verb, "--help");
        Assert.Equal(0, code);
        Assert.Contains("Usage:", output, StringComparison.Ordinal);
        Assert.Contains($"  onnxeff {verb}", output[output.IndexOf("Examples:", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("inspect")]
    [InlineData("inspect", "a.onnx", "b.onnx")]
    [InlineData("optimize", "a.onnx", "b.onnx", "--target", "tpu")]
    [InlineData("optimize", "a.onnx", "b.onnx", "--threads", "-1")]
    [InlineData("generate", "a.onnx", "-n", "many")]
    public void A_command_line_that_cannot_be_understood_is_a_usage_error(params string[] arguments)
    {
        var (code, output, error) = Run(arguments);
        Assert.Equal(2, code);
        Assert.Empty(output);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("inspect", "absent.onnx")]
    [InlineData("optimize", "absent.onnx", "out.onnx")]
    [InlineData("verify", "absent.onnx", "absent.onnx")]
    [InlineData("bench", "absent.onnx")]
    [InlineData("generate", "absent.onnx", "--ids", "1")]
    [InlineData("eval", "absent.onnx", "--ids", "absent.npy")]
    public void An_absent_file_is_an_error_of_input_and_output(params string[] arguments)
    {
        var (code, output, error) = Run(arguments);
        Assert.Equal(5, code);
        Assert.Empty(output);
        Assert.Contains("absent", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipe_gets_no_escape_sequences()
    {
        var result = CliProcess.Run("inspect", Demo.Model);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.DoesNotContain('\u001b', result.Output);
        Assert.Empty(result.Error);
    }

    static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        using StringWriter output = new(), error = new();
        var code = CommandLine.Run(arguments, new Terminal(output, error, outputIsScreen: false, errorIsScreen: false, colour: false));
        return (code, output.ToString(), error.ToString());
    }
}
