namespace OnnxEff.Ir.Onnx;

/// <summary>
/// Between TypeProto and <see cref="TensorType"/>. A dimension without name or value becomes a symbol that begins with
/// <see cref="Unnamed"/> and is never written.
/// </summary>
internal static class TypeCodec
{
    /// <summary>First character of the symbols made up for dimensions of which the file says nothing.</summary>
    public const char Unnamed = '?';

    /// <summary>Reads the type of a dense tensor.</summary>
    public static TensorType Read(Wire.TypeProto.Types.Tensor proto, string valueName)
    {
        var dims = proto.Shape?.Dim;
        return new TensorType((ElementType)proto.ElemType, dims is null ? null
            : new TensorShape(dims.Select((d, axis) => ReadDim(d, $"{Unnamed}{valueName}.{axis}"))));
    }

    static Dim ReadDim(Wire.TensorShapeProto.Types.Dimension proto, string unnamed) => proto.ValueCase switch
    {
        Wire.TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue when proto.DimValue >= 0 => Dim.Of(proto.DimValue),
        Wire.TensorShapeProto.Types.Dimension.ValueOneofCase.DimParam when proto.DimParam.Length > 0 => Dim.Parse(proto.DimParam),
        _ => Dim.Symbol(unnamed),
    };

    /// <summary>Writes the type of a dense tensor.</summary>
    /// <param name="type">The type.</param>
    /// <param name="texts">How the file which was read spells a dimension.</param>
    public static Wire.TypeProto Write(TensorType type, IReadOnlyDictionary<Dim, string> texts)
    {
        var tensor = new Wire.TypeProto.Types.Tensor();
        if (type.Element != ElementType.Undefined)
            tensor.ElemType = (int)type.Element;
        if (type.Shape is { } shape)
        {
            tensor.Shape = new Wire.TensorShapeProto();
            foreach (var dim in shape)
                tensor.Shape.Dim.Add(WriteDim(dim, texts));
        }
        return new Wire.TypeProto { TensorType = tensor };
    }

    static Wire.TensorShapeProto.Types.Dimension WriteDim(Dim dim, IReadOnlyDictionary<Dim, string> texts)
    {
        var proto = new Wire.TensorShapeProto.Types.Dimension();
        if (dim.TryGetConstant(out var value))
            proto.DimValue = value;
        else if (texts.TryGetValue(dim, out var text))
            proto.DimParam = text;
        else if (!dim.Symbols.Any(s => s.StartsWith(Unnamed)))
            proto.DimParam = dim.ToString();
        return proto;
    }
}

/// <summary>What the file says about a value, kept so that an unchanged value is written as it was read.</summary>
/// <param name="Info">The message; null if the file has none.</param>
/// <param name="Type">The type that was read from it.</param>
/// <param name="Initializer">What the initializer's message holds beside name, type and payload, serialized.</param>
internal sealed record ValueSource(Wire.ValueInfoProto? Info, TensorType? Type, byte[]? Initializer);
