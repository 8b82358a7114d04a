using OnnxEff.Ir.Onnx;

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

    /// <summary>What to call a file: its name, with its folder where that alone tells what it is.</summary>
    public static string Title(string path) => Path.GetFullPath(path) is var full && Path.GetFileName(full) is var name && name == "model.onnx"
        ? $"{Path.GetFileName(Path.GetDirectoryName(full))}/{name}" : name;

    /// <summary>The file to write.</summary>
    /// <exception cref="CommandException">It is the input, or exists and may not be replaced.</exception>
    public static string Output(string path, string input, bool force)
    {
        if (Directory.Exists(path)) path = Path.Combine(path, "model.onnx");
        if (Real(path) == Real(input)) throw CommandException.Usage($"'{path}' is the input: name another file for the output.");
        if (File.Exists(path) && !force) throw CommandException.Usage($"'{path}' exists: --force replaces it.");
        return path;
    }

    /// <summary>Makes the folder in which a file will be.</summary>
    public static void MakeFolder(string path) => Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);

    /// <summary>Removes an output with its data.</summary>
    public static void Remove(string path)
    {
        foreach (var data in OnnxWriter.DataOf(path))
            File.Delete(data);
        File.Delete(path);
    }

    /// <summary>The tokenizer: the file named, or the one beside the model.</summary>
    /// <exception cref="CommandException">There is no such file.</exception>
    public static string Tokenizer(string model, string? named)
    {
        var path = named ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(model))!, "tokenizer.json");
        if (File.Exists(path)) return path;
        throw new CommandException(ExitCode.InputOutput, named is null
            ? $"There is no tokenizer.json beside '{model}': name one with --tokenizer, or give --ids."
            : $"'{named}' does not exist.");
    }

    static string Real(string path)
    {
        var full = Path.GetFullPath(path);
        return File.Exists(full) ? File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full : full;
    }
}
