namespace OnnxEff.Ir;

/// <summary>Where a payload lies when it lies in a file; it can then be copied from file to file.</summary>
/// <param name="Path">Full path of the file.</param>
/// <param name="Offset">First byte of the payload.</param>
public sealed record FileLocation(string Path, long Offset);

/// <summary>
/// The bytes of a tensor, little-endian, in managed or unmanaged memory (such as a mapped file). Unmanaged memory stays
/// valid as long as this object is reachable.
/// </summary>
public sealed unsafe class TensorData
{
    readonly byte[]? _array;
    readonly byte* _address;
    readonly object? _owner; // Keeps a mapping alive.

    /// <summary>Bytes in a managed array, which is not copied.</summary>
    public TensorData(byte[] bytes)
    {
        _array = bytes;
        Length = bytes.Length;
    }

    /// <summary>Bytes in unmanaged memory.</summary>
    /// <param name="address">First byte.</param>
    /// <param name="length">Number of bytes.</param>
    /// <param name="owner">Keeps the memory alive.</param>
    /// <param name="file">Where the same bytes lie in a file, if they do.</param>
    public TensorData(nint address, long length, object owner, FileLocation? file = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        _address = (byte*)address;
        (Length, _owner, File) = (length, owner, file);
    }

    /// <summary>Number of bytes.</summary>
    public long Length { get; }

    /// <summary>Where the bytes lie in a file, or null.</summary>
    public FileLocation? File { get; }

    /// <summary>All bytes.</summary>
    /// <exception cref="InvalidOperationException">There are more than 2^31 - 1; use <see cref="Slice"/>.</exception>
    public ReadOnlySpan<byte> Span => Length <= int.MaxValue ? Slice(0, (int)Length)
        : throw new InvalidOperationException($"A payload of {Length} bytes does not fit one span; read it in slices.");

    /// <summary>Some of the bytes.</summary>
    public ReadOnlySpan<byte> Slice(long offset, int count)
    {
        if (offset < 0 || count < 0 || offset > Length - count)
            throw new ArgumentOutOfRangeException(nameof(offset), $"[{offset}, {offset + count}) lies outside of {Length} bytes.");
        return _array is not null ? _array.AsSpan((int)offset, count) : new ReadOnlySpan<byte>(_address + offset, count);
    }

    /// <summary>Writes all bytes to a stream.</summary>
    public void CopyTo(Stream stream)
    {
        const int Chunk = 1 << 22; // Large enough that a system call costs nothing beside the copy.
        for (long at = 0; at < Length; at += Chunk)
            stream.Write(Slice(at, (int)Math.Min(Chunk, Length - at)));
        GC.KeepAlive(_owner);
    }

    /// <summary>True if both are the same memory.</summary>
    public bool IsSameMemory(TensorData other) => ReferenceEquals(this, other) || Memory == other.Memory;

    /// <summary>Where the bytes are in memory; equal for payloads that are the same memory.</summary>
    internal (byte[]? Array, nint Address, long Length) Memory => (_array, (nint)_address, Length);

    /// <summary>Lets the system take back the memory behind bytes that lie in a mapped file, until they are read again.</summary>
    internal void Release(long offset, long count)
    {
        if (_owner is Onnx.MappedFile mapping)
            mapping.Release((nint)(_address + offset), count);
    }
}
