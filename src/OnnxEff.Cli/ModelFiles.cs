namespace OnnxEff.Cli;

/// <summary>The files that a command line names.</summary>
static class ModelFiles
{
    /// <summary>The model file: the path itself, or <c>model.onnx</c> in the folder that it names.</summary>
    /// <exception cref="CommandException">There is no such file.</exception>
    public static string Input(string path)
    {
        if (Directory.Exists(path))
        {
            var inside = Path.Combine(path, "model.onnx");
            return File.Exists(inside) ? inside : throw new CommandException(ExitCode.InputOutput, $"The folder '{path}' holds no model.onnx.");
        }
        return File.Exists(path) ? path : throw new CommandException(ExitCode.InputOutput, $"'{path}' does not exist.");
    }

    /// <summary>The file to write; its folder is made.</summary>
    /// <exception cref="CommandException">It is the input, or exists and may not be replaced.</exception>
    public static string Output(string path, string input, bool force)
    {
        if (Directory.Exists(path)) path = Path.Combine(path, "model.onnx");
        if (Real(path) == Real(input)) throw CommandException.Usage($"'{path}' is the input: name another file for the output.");
        if (File.Exists(path) && !force) throw CommandException.Usage($"'{path}' exists: --force replaces it.");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        return path;
    }

    static string Real(string path)
    {
        var full = Path.GetFullPath(path);
        return File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
    }
}
