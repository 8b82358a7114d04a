using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ops;

namespace OnnxEff.CustomOps.Native;

/// <summary>Attributes of a node, with the defaults of the operator's declaration.</summary>
readonly unsafe struct KernelInfo(OrtApi api, void* info, OperatorSchema schema)
{
    /// <summary>An integer attribute.</summary>
    public int Int(string name)
    {
        long value;
        fixed (byte* text = OrtApi.Utf8(name))
            if (!api.Succeeded(api.KernelInfoGetAttributeInt64(info, text, &value))) value = (long)Default(name);
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw new OrtException($"attribute {name} is out of range: {value}.");
    }

    /// <summary>A float attribute.</summary>
    public float Float(string name)
    {
        float value;
        fixed (byte* text = OrtApi.Utf8(name))
            if (!api.Succeeded(api.KernelInfoGetAttributeFloat(info, text, &value))) value = (float)Default(name);
        return value;
    }

    /// <summary>An input that is an initializer, whose memory the session keeps; one without sizes for any other.</summary>
    public TensorPointer Constant(int index)
    {
        int isConstant;
        void* value;
        return api.Succeeded(api.KernelInfoGetConstantInput(info, (nuint)index, &isConstant, &value)) && isConstant != 0 && value != null ? api.Tensor(value) : default;
    }

    double Default(string name) => schema.Attribute(name).Default ?? throw new OrtException($"attribute {name} is missing.");
}
