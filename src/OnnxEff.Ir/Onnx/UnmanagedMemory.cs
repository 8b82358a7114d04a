using System.Buffers;
using Google.Protobuf;

namespace OnnxEff.Ir.Onnx;

/// <summary>A tensor's payload as <see cref="Memory{T}"/>, without a copy.</summary>
internal sealed unsafe class UnmanagedMemory(TensorData data) : MemoryManager<byte>
{
    /// <summary>The payload as a field of a message.</summary>
    public static ByteString Wrap(TensorData data) => UnsafeByteOperations.UnsafeWrap(
        data.Memory.Array is { } array ? array : new UnmanagedMemory(data).Memory);

    /// <inheritdoc/>
    public override Span<byte> GetSpan() => new((void*)data.Memory.Address, checked((int)data.Length));

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)data.Memory.Address + elementIndex);

    /// <inheritdoc/>
    public override void Unpin() { }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) { }
}
