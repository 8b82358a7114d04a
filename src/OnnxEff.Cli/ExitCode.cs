namespace OnnxEff.Cli;

/// <summary>How a run ended, for scripts.</summary>
public enum ExitCode
{
    /// <summary>Everything asked for was done.</summary>
    Done = 0,

    /// <summary>Both files ran and differ, or a threshold was missed.</summary>
    VerificationFailed = 1,

    /// <summary>The command line cannot be understood or contradicts itself.</summary>
    Usage = 2,

    /// <summary>The input is malformed, hostile or beyond what ONNX Runtime runs.</summary>
    InputRejected = 3,

    /// <summary>A layer was left of a meaning that <c>--require</c> names, or a pass that it names changed nothing.</summary>
    RequiredPassMatchedNothing = 4,

    /// <summary>A file or library is absent, unreadable or unwritable, or the disk is full.</summary>
    InputOutput = 5,

    /// <summary>A fault of this program.</summary>
    Internal = 70,

    /// <summary>Interrupted by the user.</summary>
    Interrupted = 130,
}
