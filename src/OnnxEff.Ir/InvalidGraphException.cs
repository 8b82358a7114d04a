namespace OnnxEff.Ir;

/// <summary>A graph that is no legal ONNX graph: the message says where and why.</summary>
public class InvalidGraphException : Exception
{
    /// <summary>An error without a text.</summary>
    public InvalidGraphException() { }

    /// <summary>An error with its sentence.</summary>
    public InvalidGraphException(string message) : base(message) { }

    /// <summary>An error with its sentence and cause.</summary>
    public InvalidGraphException(string message, Exception inner) : base(message, inner) { }
}
