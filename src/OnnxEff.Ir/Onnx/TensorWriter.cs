using System.Globalization;
using Google.Protobuf;

namespace OnnxEff.Ir.Onnx;

/// <summary>Writes tensors into messages: the payload goes into the message without a copy, or into the data file.</summary>
/// <param name="layout">The data file, or null if everything stays in the graph.</param>
internal sealed class TensorWriter(DataLayout? layout)
{
    /// <summary>Bytes of all payloads that stay in the graph.</summary>
    public long InlineBytes { get; private set; }

    /// <summary>Fills a message.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="proto">The message, holding what the file said beside the tensor.</param>
    /// <param name="mayBeExternal">True where runtimes look for external data.</param>
    public Wire.TensorProto Fill(Tensor tensor, Wire.TensorProto proto, bool mayBeExternal)
    {
        proto.DataType = (int)tensor.Element;
        foreach (var dim in tensor.Dims)
            proto.Dims.Add(dim);
        if (tensor.Strings is { } strings)
        {
            proto.StringData.Add(strings.Select(s => UnsafeByteOperations.UnsafeWrap(s)));
            InlineBytes += strings.Sum(s => (long)s.Length);
        }
        else if (layout is not null && mayBeExternal && tensor.Data.Length >= DataLayout.SmallestExternal)
        {
            proto.DataLocation = Wire.TensorProto.Types.DataLocation.External;
            Add("location", layout.FileName);
            Add("offset", layout.Place(tensor.Data).ToString(CultureInfo.InvariantCulture));
            Add("length", tensor.Data.Length.ToString(CultureInfo.InvariantCulture));
        }
        else
        {
            InlineBytes += tensor.Data.Length;
            if (InlineBytes > int.MaxValue)
                throw TooLarge();
            proto.RawData = UnmanagedMemory.Wrap(tensor.Data);
        }
        return proto;

        void Add(string key, string value) => proto.ExternalData.Add(new Wire.StringStringEntryProto { Key = key, Value = value });
    }

    /// <summary>The graph file would not be readable.</summary>
    public static InvalidGraphException TooLarge() =>
        new("The graph with the tensors in it takes 2 GiB or more, which no ONNX file can; save it with external data.");
}
