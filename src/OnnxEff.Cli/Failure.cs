using OnnxEff.Ir;
using OnnxEff.Rewriting;
using OnnxEff.Runtime;

namespace OnnxEff.Cli;

/// <summary>A run that a command ends with a code and a sentence.</summary>
public sealed class CommandException(ExitCode code, string message) : Exception(message)
{
    /// <summary>The code.</summary>
    public ExitCode Code { get; } = code;

    /// <summary>The command line contradicts itself.</summary>
    public static CommandException Usage(string message) => new(ExitCode.Usage, message);
}

/// <summary>What a fault means to the user: one exit code and one sentence.</summary>
public sealed record Failure(ExitCode Code, string Sentence)
{
    /// <summary>The one place where exceptions become exit codes.</summary>
    public static Failure Of(Exception fault) => fault switch
    {
        CommandException command => new(command.Code, OneLine(command.Message)),
        InvalidGraphException or InvalidDataException or NotSupportedException => new(ExitCode.InputRejected, OneLine(fault.Message)),
        OrtException { Code: OrtErrorCode.NoSuchFile } => new(ExitCode.InputOutput, Ended(OneLine(fault.Message))),
        OrtException => new(ExitCode.InputRejected, Ended(OneLine(fault.Message))),
        OrtLibraryException => new(ExitCode.InputOutput, OneLine(fault.Message)),
        IOException or UnauthorizedAccessException => new(ExitCode.InputOutput, OneLine(fault.Message)),
        OperationCanceledException => new(ExitCode.Interrupted, "Interrupted."),
        PassFailedException { InnerException: InvalidGraphException or InvalidDataException } => new(ExitCode.InputRejected, OneLine(fault.Message)),
        PassFailedException { InnerException: OrtLibraryException library } => Of(library),
        AggregateException { InnerException: { } inner } => Of(inner),
        TypeInitializationException { InnerException: { } inner } => Of(inner),
        _ => new(ExitCode.Internal, $"Internal error: {OneLine(fault.Message)} ({fault.GetType().Name}; --verbose shows where.)"),
    };

    /// <summary>A message without line breaks.</summary>
    public static string OneLine(string message) => string.Join(' ', message.Split((char[])['\r', '\n', '\t', ' '], StringSplitOptions.RemoveEmptyEntries));

    /// <summary>What ONNX Runtime says does not always end as a sentence does.</summary>
    static string Ended(string message) => message.EndsWith('.') ? message : $"{message}.";
}
