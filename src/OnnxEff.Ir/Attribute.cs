using System.Text;

namespace OnnxEff.Ir;

/// <summary>The value of a node's attribute.</summary>
public abstract record AttributeValue
{
    /// <summary>An integer.</summary>
    public static implicit operator AttributeValue(long value) => new IntAttribute(value);
    /// <summary>A float.</summary>
    public static implicit operator AttributeValue(float value) => new FloatAttribute(value);
    /// <summary>A string.</summary>
    public static implicit operator AttributeValue(string value) => new StringAttribute(Encoding.UTF8.GetBytes(value));
    /// <summary>A list of integers.</summary>
    public static implicit operator AttributeValue(long[] value) => new IntsAttribute(value);
    /// <summary>A tensor.</summary>
    public static implicit operator AttributeValue(Tensor value) => new TensorAttribute(value);
}

/// <summary>An integer (also a boolean, 0 or 1).</summary>
public sealed record IntAttribute(long Value) : AttributeValue;

/// <summary>A 32-bit float.</summary>
public sealed record FloatAttribute(float Value) : AttributeValue;

/// <summary>A byte string, UTF-8 by convention.</summary>
public sealed record StringAttribute(byte[] Bytes) : AttributeValue
{
    /// <summary>The bytes read as UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes);
}

/// <summary>A tensor.</summary>
public sealed record TensorAttribute(Tensor Value) : AttributeValue;

/// <summary>A subgraph, as in If and Loop.</summary>
public sealed record GraphAttribute(Graph Value) : AttributeValue;

/// <summary>A list of integers.</summary>
public sealed record IntsAttribute(long[] Values) : AttributeValue;

/// <summary>A list of floats.</summary>
public sealed record FloatsAttribute(float[] Values) : AttributeValue;

/// <summary>A list of byte strings.</summary>
public sealed record StringsAttribute(byte[][] Values) : AttributeValue;

/// <summary>A list of tensors.</summary>
public sealed record TensorsAttribute(Tensor[] Values) : AttributeValue;

/// <summary>A list of subgraphs.</summary>
public sealed record GraphsAttribute(Graph[] Values) : AttributeValue;

/// <summary>Inside a function body: the value of the calling node's attribute <paramref name="Name"/>.</summary>
/// <param name="Name">The function's attribute.</param>
/// <param name="Kind">The attribute's ONNX type number.</param>
public sealed record ReferenceAttribute(string Name, int Kind) : AttributeValue;

/// <summary>An attribute kind this library does not look into (sparse tensors, types), kept as serialized protobuf.</summary>
public sealed record OpaqueAttribute(byte[] AttributeProto) : AttributeValue;
