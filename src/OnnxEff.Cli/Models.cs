using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ops;
using OnnxEff.Runtime;

namespace OnnxEff.Cli;

/// <summary>A model that was read, and how it is run.</summary>
/// <param name="Path">The file.</param>
/// <param name="Model">Its content.</param>
sealed record LoadedModel(string Path, Model Model)
{
    /// <summary>Reads the file, or <c>model.onnx</c> in the folder.</summary>
    public static LoadedModel Load(string argument)
    {
        var path = ModelFiles.Input(argument);
        return new(path, OnnxReader.Load(path));
    }

    /// <summary>Bytes of the file and of the data that it reads.</summary>
    public long Bytes => Runtime.ModelSize.Of(Path, Model.Graph).Bytes;

    IEnumerable<Node> OwnOperators => Model.AllGraphs.SelectMany(graph => graph.Nodes).Where(node => node.Domain == OnnxEffOperators.Domain);

    /// <summary>True where a node does not run without the project's operator library; others have a function for that.</summary>
    public bool NeedsOperatorLibrary => OwnOperators.Any(node => node.Overload.Length == 0);

    /// <summary>Session options with the operator library registered where the model has a use for it.</summary>
    /// <exception cref="CommandException">The model needs it and it is nowhere.</exception>
    public OrtSessionOptions Options(int threads) => new()
    {
        IntraOpThreads = threads,
        CustomOpLibraries = NeedsOperatorLibrary ? [OperatorLibrary.Require().Path] : OwnOperators.Any() && OperatorLibrary.Find(out _) is { } library ? [library.Path] : [],
    };

    /// <summary>The model as one of two to be compared.</summary>
    public VerifyModel ToVerify(int threads) => new(Path, Model.Graph, new LlmOptions { Session = Options(threads) });

    /// <summary>Opens the model as a decoder.</summary>
    public LlmSession Open(int threads) => LlmSession.Open(Path, Model.Graph, new LlmOptions { Session = Options(threads) });
}
