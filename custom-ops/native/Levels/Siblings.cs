using System.Runtime.InteropServices;

namespace OnnxEff.CustomOps.Native;

/// <summary>The library that serves this process: this one, or the sibling of a higher level beside it.</summary>
static class Siblings
{
    const string Variable = "ONNXEFF_ISA";

    static readonly Lazy<(nint Handle, string? Refusal)> Choice = new(Choose);

    /// <summary>Handle of the sibling to forward to, or 0 to serve here; or the sentence why neither is possible.</summary>
    public static (nint Handle, string? Refusal) Chosen => Compiled.Level == IsaLevel.Baseline ? Choice.Value : (0, null);

    static (nint Handle, string? Refusal) Choose()
    {
        string? forced = Environment.GetEnvironmentVariable(Variable);
        if (!string.IsNullOrEmpty(forced)) return Force(forced);
        for (IsaLevel level = Processor.Best; level > IsaLevel.Baseline; level--)
            if (Load(level) is var handle and not 0) return (handle, null);
        return (0, null);
    }

    static (nint Handle, string? Refusal) Force(string forced)
    {
        IsaLevel level;
        switch (forced)
        {
            case "baseline": return (0, null);
            case "v3": level = IsaLevel.V3; break;
            case "v4": level = IsaLevel.V4; break;
            default: return (0, $"{Variable} is '{forced}'; it may be baseline, v3 or v4.");
        }
        if (level > Processor.Best) return (0, $"{Variable} asks for {forced}, but this processor runs {NameOf(Processor.Best)} at most.");
        nint handle = Load(level);
        return handle != 0 ? (handle, null) : (0, $"{Variable} asks for {forced}, but {PathOf(level) ?? "its library"} cannot be loaded.");
    }

    static nint Load(IsaLevel level) => PathOf(level) is { } path && NativeLibrary.TryLoad(path, out nint handle) ? handle : 0;

    static string? PathOf(IsaLevel level) => OwnLibrary.Path is { } own
        ? Path.Combine(Path.GetDirectoryName(own)!, $"{Path.GetFileNameWithoutExtension(own)}.{NameOf(level)}{Path.GetExtension(own)}")
        : null;

    /// <summary>The level as ONNXEFF_ISA and file names spell it.</summary>
    public static string NameOf(IsaLevel level) => level switch
    {
        IsaLevel.V4 => "v4",
        IsaLevel.V3 => "v3",
        _ => "baseline",
    };
}
