using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using OnnxEff.GraphPasses;

namespace OnnxEff.Cli.Shell;

/// <summary>Options that several verbs share.</summary>
static class Options
{
    /// <summary>Results for machines.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Write the result as JSON." };

    /// <summary>Threads inside an operator.</summary>
    public static Option<int> Threads()
    {
        var option = new Option<int>("--threads", "-t") { Description = "Threads inside an operator; 0 lets ONNX Runtime choose." };
        option.Validators.Add(AtLeast(0));
        return option;
    }

    /// <summary>What stands around stored products; null where a verb has a choice of its own.</summary>
    public static Option<string?> StoredTarget()
    {
        var option = new Option<string?>("--target")
        {
            Description = "onnxeff: attention is the operator library's too, the default where weights are. ort: stock ONNX Runtime's, and the file runs without the library as well, slowly.",
        };
        option.AcceptOnlyFromAmong("onnxeff", "ort");
        return option;
    }

    /// <summary>The target of that name, or null.</summary>
    public static Target? TargetOf(string? name) => name is null ? null : Enum.Parse<Target>(name, ignoreCase: true);

    /// <summary>An ONNX file or its folder.</summary>
    public static Argument<string> Model(string name = "MODEL") =>
        new(name) { Description = "An ONNX file, or a folder that holds model.onnx." };

    /// <summary>Refuses smaller numbers; what is no number is refused by the option's type.</summary>
    public static Action<OptionResult> AtLeast(double least) => result =>
    {
        foreach (var token in result.Tokens)
            if (double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value < least)
                result.AddError($"{result.IdentifierToken?.Value} is at least {least}, not {token.Value}.");
    };

    /// <summary>An option's value; null where the user did not give it, for lists too.</summary>
    public static T[]? Given<T>(this ParseResult parse, Option<T[]> option) => parse.GetResult(option) is null ? null : parse.GetValue(option);

    /// <summary>Numbers separated by commas.</summary>
    public static Option<int[]> Numbers(string name, string description, int least, params string[] aliases)
    {
        return new Option<int[]>(name, aliases)
        {
            Description = description,
            CustomParser = result =>
            {
                if (TryParse(string.Join(',', result.Tokens.Select(token => token.Value)), least, out var numbers)) return numbers;
                result.AddError($"{name} takes integers of at least {least} separated by commas.");
                return [];
            },
        };
    }

    static bool TryParse(string text, int least, out int[] numbers)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        numbers = new int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
            if (!int.TryParse(parts[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out numbers[i]) || numbers[i] < least)
                return false;
        return parts.Length > 0;
    }
}
