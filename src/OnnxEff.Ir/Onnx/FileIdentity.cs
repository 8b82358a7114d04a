using System.Runtime.InteropServices;

namespace OnnxEff.Ir.Onnx;

/// <summary>Which file a path names, whatever links lead there: device and inode.</summary>
/// <param name="Device">The device's number.</param>
/// <param name="Inode">The file's number on the device.</param>
/// <param name="IsRegular">False for folders, pipes and devices.</param>
internal readonly partial record struct FileIdentity(ulong Device, ulong Inode, bool IsRegular)
{
    /// <summary>The identity, or null if there is no such file or the system has no such notion.</summary>
    public static unsafe FileIdentity? Of(string path)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        const int CurrentFolder = -100;
        const uint TypeAndInode = 0x1 | 0x100;
        const int RegularFile = 0x8000, TypeMask = 0xF000;
        var data = stackalloc byte[256];
        if (StatX(CurrentFolder, path, 0, TypeAndInode, data) != 0)
            return null;
        var mode = *(ushort*)(data + 28);
        var inode = *(ulong*)(data + 32);
        var device = ((ulong)*(uint*)(data + 136) << 32) | *(uint*)(data + 140);
        return new FileIdentity(device, inode, (mode & TypeMask) == RegularFile);
    }

    /// <summary>True if both paths name the same existing file.</summary>
    public static bool AreSame(string a, string b)
    {
        if (Of(a) is { } x && Of(b) is { } y)
            return (x.Device, x.Inode) == (y.Device, y.Inode);
        return RealPath.Of(a) == RealPath.Of(b);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int folder, string path, int flags, uint mask, byte* data);
}
