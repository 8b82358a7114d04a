namespace OnnxEff.Benchmarks.Table;

/// <summary>What kind of form it is; gives the colour of its points.</summary>
enum FormFamily
{
    Fp32,
    Vectors,
    Vptq,
    Integers,
    Exact,
    Neighbour,
}

/// <summary>A row of the table: a way to store a model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Family">Its kind.</param>
/// <param name="Make">The command that writes it to a file, from the model; null where the file is given.</param>
/// <param name="Given">The file that somebody else made.</param>
sealed record TableForm(string Name, FormFamily Family, Func<TableModel, string, string[]>? Make, string? Given = null)
{
    /// <summary>What all others are compared with, and what runs beside each of them when speed is measured.</summary>
    public const string Base = "fp32";

    /// <summary>A form of <c>compress</c>.</summary>
    public static TableForm Compressed(string weights, FormFamily family) => new(weights, family, (model, output) =>
        ["compress", model.Original, output, "--weights", weights, "--calibration", model.Calibration]);

    /// <summary>Weights on a grid, kept as they are.</summary>
    public static TableForm Exact(string name, params string[] more) => new(name, FormFamily.Exact, (model, output) =>
        ["compress", model.Original, output, "--weights", "exact", .. more]);

    /// <summary>The model rewritten, its weights as they were.</summary>
    public static TableForm Optimized(string name, string target) => new(name, FormFamily.Fp32, (model, output) =>
        ["optimize", model.Original, output, "--target", target, "--no-verify"]); // The evaluation compares more than that.

    /// <summary>A file as it is.</summary>
    public static TableForm Of(string name, FormFamily family, string path) => new(name, family, null, path);

    /// <summary>The forms that every model is tried in.</summary>
    public static IReadOnlyList<TableForm> Common { get; } =
    [
        Optimized(Base, "onnxeff"),
        Optimized("fp32, target ort", "ort"),
        Compressed("vq:1.5", FormFamily.Vectors),
        Compressed("vq:2", FormFamily.Vectors),
        Compressed("vq:3", FormFamily.Vectors),
        Compressed("vq:4", FormFamily.Vectors),
        Compressed("vptq:2", FormFamily.Vptq),
        Compressed("int2", FormFamily.Integers),
        Compressed("int4", FormFamily.Integers),
        Compressed("int8", FormFamily.Integers),
        Exact("exact"),
        Exact("exact, bytes", "--accuracy-level", "4"),
    ];

    /// <summary>The name as part of a file's.</summary>
    public string FileName => string.Concat(Name.Select(c => char.IsAsciiLetterOrDigit(c) || c == '.' ? c : '-'));
}
