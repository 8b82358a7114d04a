using System.Runtime.InteropServices;

namespace OnnxEff.CustomOps.Native;

/// <summary>The file that this code was loaded from.</summary>
static unsafe partial class OwnLibrary
{
    const int Now = 2, NoDelete = 0x1000;

    /// <summary>Full path, or null where the system cannot tell.</summary>
    public static string? Path { get; } = Find();

    /// <summary>Keeps the library in memory for good: a runtime that has started cannot be unloaded.</summary>
    public static void Pin()
    {
        if (OperatingSystem.IsLinux() && Path is { } path) _ = Open(path, Now | NoDelete);
    }

    static string? Find()
    {
        if (!OperatingSystem.IsLinux()) return null;
        Location location;
        delegate* unmanaged[Cdecl]<byte*> here = &Exports.OnnxEffInfo;
        if (AddressToLocation(here, &location) == 0 || location.File == null) return null;
        return Marshal.PtrToStringUTF8((nint)location.File) is { Length: > 0 } file ? System.IO.Path.GetFullPath(file) : null;
    }

    struct Location
    {
        public byte* File;
        public void* Base;
        public byte* Symbol;
        public void* Address;
    }

    [LibraryImport("libc", EntryPoint = "dladdr")]
    private static partial int AddressToLocation(void* address, Location* location);

    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial void* Open(string path, int flags);
}
