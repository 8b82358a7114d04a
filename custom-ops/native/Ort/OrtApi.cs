using System.Runtime.InteropServices;
using System.Text;
using OnnxEff.CustomOps.Cpu;
using OnnxEff.Ir;

namespace OnnxEff.CustomOps.Native;

/// <summary>OrtApiBase of ONNX Runtime.</summary>
[StructLayout(LayoutKind.Sequential)]
readonly unsafe struct OrtApiBase
{
#pragma warning disable CS0649 // Filled by ONNX Runtime.
    readonly delegate* unmanaged<uint, void**> getApi;
    readonly delegate* unmanaged<byte*> getVersionString;
#pragma warning restore CS0649

    /// <summary>The function table of a version, null when this ONNX Runtime is older.</summary>
    public readonly void** Table(uint version) => getApi(version);

    /// <summary>Version of ONNX Runtime.</summary>
    public readonly string RuntimeVersion => Marshal.PtrToStringUTF8((nint)getVersionString()) ?? "of unknown version";
}

/// <summary>OrtErrorCode.</summary>
enum OrtErrorCode
{
    Fail = 1,
    InvalidArgument = 2,
    RuntimeException = 6,
}

/// <summary>A status of ONNX Runtime that is not success, on its way to a boundary.</summary>
sealed class OrtException(string message, OrtErrorCode code = OrtErrorCode.InvalidArgument) : Exception(message)
{
    public OrtErrorCode Code => code;
}

/// <summary>The few functions of OrtApi that the library calls; each property names the slot of the C table.</summary>
/// <param name="table">The table.</param>
/// <param name="sizesOf">What <see cref="SizesOf"/> found.</param>
readonly unsafe struct OrtApi(void** table, void* sizesOf = null)
{
    /// <summary>ORT 1.18: the first with all fields of OrtCustomOp.</summary>
    public const uint Version = 18;

    public void** Table => table;

    /// <summary>GetTensorElementTypeAndShapeDataReference, or null of ORT before 1.24: what it gives need not be released, as what others allocate for each tensor of each call.</summary>
    public void* SizesOf => sizesOf;

    /// <summary>The functions of a runtime; without a table where it has not those of <see cref="Version"/>.</summary>
    public static OrtApi Of(OrtApiBase* runtime)
    {
        void** table = runtime->Table(Version);
        // A runtime that is asked for a version it does not have complains on the console.
        bool isLater = table != null && System.Version.TryParse(runtime->RuntimeVersion, out System.Version? version) && version >= new System.Version(1, 24);
        return new(table, isLater ? runtime->Table(24)[414] : null);
    }

    public nint CreateStatus(OrtErrorCode code, string message)
    {
        fixed (byte* text = Utf8(message)) return ((delegate* unmanaged<int, byte*, nint>)table[0])((int)code, text);
    }

    /// <summary>Throws what a status says, and releases it.</summary>
    public void Check(nint status)
    {
        if (status == 0) return;
        string message = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<nint, byte*>)table[2])(status)) ?? "unknown error";
        Release(status);
        throw new OrtException(message, OrtErrorCode.RuntimeException);
    }

    /// <summary>True for success; a failure is released and forgotten.</summary>
    public bool Succeeded(nint status)
    {
        if (status == 0) return true;
        Release(status);
        return false;
    }

    void Release(nint status) => ((delegate* unmanaged<nint, void>)table[93])(status);

    public delegate* unmanaged<byte*, void**, nint> CreateCustomOpDomain => (delegate* unmanaged<byte*, void**, nint>)table[26];

    public delegate* unmanaged<void*, OrtCustomOp*, nint> CustomOpDomainAdd => (delegate* unmanaged<void*, OrtCustomOp*, nint>)table[27];

    public delegate* unmanaged<void*, void*, nint> AddCustomOpDomain => (delegate* unmanaged<void*, void*, nint>)table[28];

    public delegate* unmanaged<void*, void**, nint> GetTensorMutableData => (delegate* unmanaged<void*, void**, nint>)table[51];

    public delegate* unmanaged<void**, nint> CreateTensorTypeAndShapeInfo => (delegate* unmanaged<void**, nint>)table[57];

    public delegate* unmanaged<void*, int, nint> SetTensorElementType => (delegate* unmanaged<void*, int, nint>)table[58];

    public delegate* unmanaged<void*, long*, nuint, nint> SetDimensions => (delegate* unmanaged<void*, long*, nuint, nint>)table[59];

    public delegate* unmanaged<void*, int*, nint> GetTensorElementType => (delegate* unmanaged<void*, int*, nint>)table[60];

    public delegate* unmanaged<void*, nuint*, nint> GetDimensionsCount => (delegate* unmanaged<void*, nuint*, nint>)table[61];

    public delegate* unmanaged<void*, long*, nuint, nint> GetDimensions => (delegate* unmanaged<void*, long*, nuint, nint>)table[62];

    public delegate* unmanaged<void*, byte**, nuint, nint> GetSymbolicDimensions => (delegate* unmanaged<void*, byte**, nuint, nint>)table[63];

    public delegate* unmanaged<void*, void**, nint> GetTensorTypeAndShape => (delegate* unmanaged<void*, void**, nint>)table[65];

    public delegate* unmanaged<void*, byte*, float*, nint> KernelInfoGetAttributeFloat => (delegate* unmanaged<void*, byte*, float*, nint>)table[85];

    public delegate* unmanaged<void*, byte*, long*, nint> KernelInfoGetAttributeInt64 => (delegate* unmanaged<void*, byte*, long*, nint>)table[86];

    public delegate* unmanaged<void*, nuint*, nint> KernelContextGetInputCount => (delegate* unmanaged<void*, nuint*, nint>)table[88];

    public delegate* unmanaged<void*, nuint*, nint> KernelContextGetOutputCount => (delegate* unmanaged<void*, nuint*, nint>)table[89];

    public delegate* unmanaged<void*, nuint, void**, nint> KernelContextGetInput => (delegate* unmanaged<void*, nuint, void**, nint>)table[90];

    public delegate* unmanaged<void*, nuint, long*, nuint, void**, nint> KernelContextGetOutput =>
        (delegate* unmanaged<void*, nuint, long*, nuint, void**, nint>)table[91];

    public delegate* unmanaged<void*, void> ReleaseTensorTypeAndShapeInfo => (delegate* unmanaged<void*, void>)table[99];

    public delegate* unmanaged<void*, nuint, int*, void**, nint> KernelInfoGetConstantInput => (delegate* unmanaged<void*, nuint, int*, void**, nint>)table[249];

    public delegate* unmanaged<void*, nuint*, nint> ShapeInferContextGetInputCount => (delegate* unmanaged<void*, nuint*, nint>)table[267];

    public delegate* unmanaged<void*, nuint, void**, nint> ShapeInferContextGetInputTypeShape =>
        (delegate* unmanaged<void*, nuint, void**, nint>)table[268];

    public delegate* unmanaged<void*, byte*, void**, nint> ShapeInferContextGetAttribute => (delegate* unmanaged<void*, byte*, void**, nint>)table[269];

    public delegate* unmanaged<void*, nuint, void*, nint> ShapeInferContextSetOutputTypeShape =>
        (delegate* unmanaged<void*, nuint, void*, nint>)table[270];

    public delegate* unmanaged<void*, byte**, nuint, nint> SetSymbolicDimensions => (delegate* unmanaged<void*, byte**, nuint, nint>)table[271];

    public delegate* unmanaged<void*, int, void*, nuint, nuint*, nint> ReadOpAttr => (delegate* unmanaged<void*, int, void*, nuint, nuint*, nint>)table[272];

    public delegate* unmanaged<void*, delegate* unmanaged[Cdecl]<void*, nuint, void>, nuint, nuint, void*, nint> KernelContextParallelFor =>
        (delegate* unmanaged<void*, delegate* unmanaged[Cdecl]<void*, nuint, void>, nuint, nuint, void*, nint>)table[274];

    /// <summary>The tensor of an OrtValue.</summary>
    public TensorPointer Tensor(void* value)
    {
        void* data;
        Check(GetTensorMutableData(value, &data));
        long[] dims = sizesOf == null ? Sizes(value, out int kind) : SizesInPlace(value, out kind);
        return new TensorPointer(data, dims, (ElementType)kind);
    }

    long[] SizesInPlace(void* value, out int kind)
    {
        long* sizes;
        nuint rank;
        fixed (int* type = &kind) Check(((delegate* unmanaged<void*, int*, long**, nuint*, nint>)sizesOf)(value, type, &sizes, &rank));
        return new ReadOnlySpan<long>(sizes, (int)rank).ToArray();
    }

    long[] Sizes(void* value, out int kind)
    {
        void* shape;
        Check(GetTensorTypeAndShape(value, &shape));
        try
        {
            nuint rank;
            fixed (int* type = &kind) Check(GetTensorElementType(shape, type));
            Check(GetDimensionsCount(shape, &rank));
            var dims = new long[rank];
            fixed (long* sizes = dims) Check(GetDimensions(shape, sizes, rank));
            return dims;
        }
        finally
        {
            ReleaseTensorTypeAndShapeInfo(shape);
        }
    }

    /// <summary>A zero-terminated copy.</summary>
    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text + '\0');
}
