using System.Runtime.InteropServices;

namespace OnnxEff.CustomOps.Native;

/// <summary>A shape as far as it is known: a size, or a name, or neither (size -1, name empty).</summary>
readonly record struct SymbolicDim(long Size, string Name)
{
    public static implicit operator SymbolicDim(long size) => new(size, "");

    /// <summary>A size that nothing is known about.</summary>
    public static SymbolicDim Unknown => new(-1, "");
}

/// <summary>Inputs and outputs of a node while a session is made.</summary>
readonly unsafe struct ShapeInferContext(OrtApi api, void* context)
{
    /// <summary>Element type and shape of an input, null when the node leaves it out.</summary>
    public (int Kind, SymbolicDim[] Dims)? Input(int index)
    {
        nuint count, rank;
        void* shape;
        int kind;
        api.Check(api.ShapeInferContextGetInputCount(context, &count));
        if ((nuint)index >= count) return null;
        api.Check(api.ShapeInferContextGetInputTypeShape(context, (nuint)index, &shape));
        api.Check(api.GetTensorElementType(shape, &kind));
        if (kind == 0) return null;
        api.Check(api.GetDimensionsCount(shape, &rank));
        var sizes = new long[rank];
        var names = new nint[rank];
        fixed (long* s = sizes)
        fixed (nint* n = names)
        {
            api.Check(api.GetDimensions(shape, s, rank));
            api.Check(api.GetSymbolicDimensions(shape, (byte**)n, rank));
        }
        return (kind, [.. sizes.Zip(names, (size, name) => new SymbolicDim(size, Marshal.PtrToStringUTF8(name) ?? ""))]);
    }

    /// <summary>An integer attribute, or the default.</summary>
    public long Int(string name, long missing)
    {
        const int integer = 1;
        void* attribute;
        long value;
        nuint size;
        fixed (byte* text = OrtApi.Utf8(name))
            if (!api.Succeeded(api.ShapeInferContextGetAttribute(context, text, &attribute))) return missing;
        return api.Succeeded(api.ReadOpAttr(attribute, integer, &value, sizeof(long), &size)) ? value : missing;
    }

    /// <summary>Tells the shape of an output; an output that the node does not have is passed over.</summary>
    public void Output(int index, int kind, params SymbolicDim[] dims)
    {
        void* shape;
        api.Check(api.CreateTensorTypeAndShapeInfo(&shape));
        nint[] names = [.. dims.Select(d => Marshal.StringToCoTaskMemUTF8(NameOf(d)))];
        try
        {
            api.Check(api.SetTensorElementType(shape, kind));
            fixed (long* sizes = dims.Select(d => d.Size).ToArray()) api.Check(api.SetDimensions(shape, sizes, (nuint)dims.Length));
            fixed (nint* n = names) api.Check(api.SetSymbolicDimensions(shape, (byte**)n, (nuint)dims.Length));
            _ = api.Succeeded(api.ShapeInferContextSetOutputTypeShape(context, (nuint)index, shape));
        }
        finally
        {
            Array.ForEach(names, Marshal.FreeCoTaskMem);
            api.ReleaseTensorTypeAndShapeInfo(shape);
        }
    }

    // Without a name ONNX Runtime takes -1 for a size, and warns at every run; two sizes with one name it takes for equal.
    static string NameOf(SymbolicDim dim) =>
        dim.Size < 0 && dim.Name.Length == 0 ? $"onnxeff_unknown_{Interlocked.Increment(ref _unknown)}" : dim.Name;

    static int _unknown;
}
