namespace OnnxEff.Ir.Onnx;

/// <summary>A file that is no legal ONNX model: the message says what is wrong, where, and what to do.</summary>
public sealed class InvalidModelException : InvalidGraphException
{
    /// <summary>An error without a text.</summary>
    public InvalidModelException() { }

    /// <summary>An error with its sentence.</summary>
    public InvalidModelException(string message) : base(message) { }

    /// <summary>An error with its sentence and cause.</summary>
    public InvalidModelException(string message, Exception inner) : base(message, inner) { }
}
