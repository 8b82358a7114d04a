namespace OnnxEff.Runtime;

/// <summary>The error codes of ONNX Runtime's C API.</summary>
public enum OrtErrorCode
{
    Ok, Fail, InvalidArgument, NoSuchFile, NoModel, EngineError, RuntimeException, InvalidProtobuf, ModelLoaded,
    NotImplemented, InvalidGraph, ExecutionProviderFail, ModelLoadCanceled, ModelRequiresCompilation, NotFound,
    DeviceReset,
}

/// <summary>ONNX Runtime refused: the message and code are its own, after the sentence that says what was tried.</summary>
public sealed class OrtException(string message, OrtErrorCode code = OrtErrorCode.Fail) : Exception(message)
{
    /// <summary>What kind of error ONNX Runtime named.</summary>
    public OrtErrorCode Code { get; } = code;
}

/// <summary>No usable ONNX Runtime library was found; the message says what was looked at and what to do.</summary>
public sealed class OrtLibraryException(string message) : Exception(message);
