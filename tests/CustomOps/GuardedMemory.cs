using System.Runtime.InteropServices;

namespace OnnxEff.Tests.CustomOps;

/// <summary>Memory whose last byte lies against a page that faults when touched, after another such page.</summary>
sealed unsafe partial class GuardedMemory : IDisposable
{
    const int ReadWrite = 3, NoAccess = 0, PrivateAnonymous = 0x22;

    readonly byte* mapping;
    readonly nuint length;

    public GuardedMemory(long bytes)
    {
        var page = (nuint)Environment.SystemPageSize;
        nuint inner = ((nuint)bytes + page - 1) / page * page;
        length = inner + 2 * page;
        if (!OperatingSystem.IsLinux())
        {
            mapping = (byte*)NativeMemory.Alloc(length);
            Pointer = mapping;
            return;
        }
        mapping = (byte*)Map(0, length, ReadWrite, PrivateAnonymous, -1, 0);
        if ((nint)mapping == -1) throw new InvalidOperationException("mmap of guarded memory failed.");
        if (Protect((nint)mapping, page, NoAccess) != 0 || Protect((nint)(mapping + page + inner), page, NoAccess) != 0)
            throw new InvalidOperationException("mprotect of guard pages failed.");
        Pointer = mapping + page + inner - (nuint)bytes;
    }

    /// <summary>The first byte; the guard page follows the last one.</summary>
    public byte* Pointer { get; }

    public void Dispose()
    {
        if (OperatingSystem.IsLinux()) _ = Unmap((nint)mapping, length);
        else NativeMemory.Free(mapping);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);
}
