namespace OnnxEff.Ops;

/// <summary>Element types that operators of this project take; the numbers are those of ONNX's TensorProto.DataType.</summary>
public enum ElementKind
{
    /// <summary>No tensor: an absent optional input.</summary>
    None = 0,

    /// <summary>32-bit IEEE float.</summary>
    Float = 1,

    /// <summary>32-bit signed integer.</summary>
    Int32 = 6,

    /// <summary>64-bit signed integer.</summary>
    Int64 = 7,

    /// <summary>One byte per element, zero or one.</summary>
    Bool = 9,

    /// <summary>16-bit IEEE float.</summary>
    Float16 = 10,
}
