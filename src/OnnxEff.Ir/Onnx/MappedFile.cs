using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OnnxEff.Ir.Onnx;

/// <summary>A file mapped into memory, read-only, for as long as this object is reachable.</summary>
public sealed unsafe partial class MappedFile
{
    readonly MemoryMappedViewAccessor? _view;
    readonly byte* _address;

    /// <summary>Maps a file.</summary>
    /// <exception cref="IOException">It cannot be opened, or is no ordinary file.</exception>
    public MappedFile(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        if (FileIdentity.Of(Path) is { IsRegular: false })
            throw new IOException($"'{path}' is no ordinary file; give the path of a file.");
        using var handle = Open(Path);
        Length = RandomAccess.GetLength(handle);
        if (Length == 0)
            return; // An empty file has no mapping, and nothing to read.
        using var file = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read,
            HandleInheritability.None, leaveOpen: true);
        _view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _address);
        _address += _view.PointerOffset;
    }

    /// <summary>Lets the system take back the memory behind these bytes; they are read from the file again when touched.</summary>
    public void Release(nint address, long length)
    {
        const int DontNeed = 4;
        if (!OperatingSystem.IsLinux())
            return;
        var start = address & ~(nint)(Environment.SystemPageSize - 1);
        _ = Advise(start, (nuint)(address - start + length), DontNeed); // Advice: nothing depends on its success.
        GC.KeepAlive(this);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);

    static SafeFileHandle Open(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"'{path}' may not be read; change its permissions.", e);
        }
    }

    /// <summary>Unmaps: nothing refers to the memory any more when this object is unreachable.</summary>
    ~MappedFile() => _view?.SafeMemoryMappedViewHandle.ReleasePointer();

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>Number of bytes.</summary>
    public long Length { get; }

    /// <summary>The first byte.</summary>
    public nint Address => (nint)_address;

    /// <summary>All bytes of a file that is smaller than 2 GiB.</summary>
    public ReadOnlySpan<byte> Span => new(_address, checked((int)Length));

    /// <summary>A piece as a tensor's payload; the caller has checked that it lies inside.</summary>
    public TensorData Slice(long offset, long length) => new((nint)(_address + offset), length, this, new FileLocation(Path, offset));
}
