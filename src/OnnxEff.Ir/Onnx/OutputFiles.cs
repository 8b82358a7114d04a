using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OnnxEff.Ir.Onnx;

/// <summary>
/// Files that appear under their names whole or not at all: each is written beside its target under a temporary name,
/// and all are renamed at the end, in order. What was not committed is deleted.
/// </summary>
internal sealed partial class OutputFiles(bool overwrite) : IDisposable
{
    readonly List<(string Temporary, string Target)> _files = [];

    /// <summary>Begins a file of a known size, for which space is set aside.</summary>
    /// <exception cref="IOException">The file cannot be made, or the disk is full.</exception>
    public SafeFileHandle Create(string target, long length)
    {
        var temporary = Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.{Guid.NewGuid():N}.tmp");
        _files.Add((temporary, target));
        try
        {
            return File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, length);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"'{target}' cannot be written: the folder allows no new file; change its permissions.", e);
        }
    }

    /// <summary>Gives all files their names. The last one is the one that makes the others count.</summary>
    public void Commit()
    {
        var last = _files[^1].Target;
        foreach (var (temporary, target) in _files)
        {
            if (!overwrite && File.Exists(target))
                throw new IOException($"'{target}' exists; give another path, or allow to overwrite it.");
            File.Move(temporary, target, overwrite);
        }
        _files.Clear();
        FlushFolder(Path.GetDirectoryName(last)!);
    }

    /// <summary>Deletes what was not committed.</summary>
    public void Dispose()
    {
        foreach (var (temporary, _) in _files)
        {
            try
            {
                File.Delete(temporary);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The failure that brought us here is the one to report.
            }
        }
    }

    /// <summary>Makes the new names last through a power failure.</summary>
    static void FlushFolder(string folder)
    {
        const int ReadOnly = 0;
        if (!OperatingSystem.IsLinux() || OpenFile(folder, ReadOnly) is not (>= 0 and var descriptor))
            return;
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        _ = Flush(descriptor); // Some file systems have nothing to flush in a folder.
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Flush(int descriptor);
}
