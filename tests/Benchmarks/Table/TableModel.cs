namespace OnnxEff.Benchmarks.Table;

/// <summary>A model of the table.</summary>
/// <param name="Name">What selects it.</param>
/// <param name="Title">Its name for readers.</param>
/// <param name="Original">The exported file.</param>
/// <param name="Calibration">The text that quantisers see.</param>
/// <param name="Evaluation">How its perplexity is measured: options of <c>eval</c>.</param>
/// <param name="Protocol">The same in words.</param>
/// <param name="Remedy">What to do where a file is absent.</param>
sealed record TableModel(string Name, string Title, string Original, string Calibration, string[] Evaluation, string Protocol, string Remedy)
{
    const string Variable = "ONNXEFF_SHARED_MODELS";

    /// <summary>The forms in the order of the table.</summary>
    public IReadOnlyList<TableForm> Forms { get; init; } = [TableForm.Of(AsExported, FormFamily.Fp32, Original), .. TableForm.Common];

    const string AsExported = "fp32, as exported";

    /// <summary>The first file that is absent, as a sentence; null where all are there.</summary>
    public string? Missing => ((string[])[Original, Calibration]).FirstOrDefault(file => !File.Exists(file)) is { } absent ? $"{Title}: '{absent}' does not exist. {Remedy}" : null;

    /// <summary>Both models.</summary>
    /// <param name="shared">The folder of larger models; null for where the variable says, or beside the repository.</param>
    /// <param name="smolLm2">SmolLM2 with its weights.</param>
    /// <param name="genaiInt4">The file that onnxruntime-genai's builder makes of it.</param>
    public static IReadOnlyList<TableModel> All(string? shared, string smolLm2, string genaiInt4)
    {
        string root = shared ?? Environment.GetEnvironmentVariable(Variable) ?? Path.Combine("..", "shared", "models");
        string kjv = Path.Combine(root, "kjv"), smol = Path.Combine(root, "smollm2"), texts = Path.Combine(smol, "eval");
        return
        [
            new("kjv-base", "kjv-base", Path.Combine(kjv, "kjv-base", "optimum.onnx"), Path.Combine(kjv, "calibration.npy"),
                ["--ids", Path.Combine(kjv, "valid.npy"), "--window", "512", "--stride", "1536"],
                "A Llama of 5 M parameters, trained on the King James Bible. Perplexity: every third window of 512 tokens of its held-out chapters, all 512 predictions of a window, no past. " +
                "Calibration: 64 windows of 512 tokens of its training text.",
                $"Set {Variable}, or give --models, for the folder that holds kjv/."),
            new("smollm2", "SmolLM2-135M-Instruct", smolLm2, Path.Combine(texts, "calib.npy"),
                ["--ids", Path.Combine(texts, "eval.npy"), "--window", "1024", "--inside", "--windows", "16"],
                "The optimum export of a checkpoint that was dequantised from Q4_1: its linear layers lie on a grid of 4 bits with a scale and a minimum for each 32 inputs, so that `exact` loses nothing, " +
                "and int4 rounds a second time. `genai int4`: the file of onnxruntime-genai's model builder (symmetric rounding, blocks of 32, accuracy level 4), embedding and head too. Perplexity: 16 windows of 1024 tokens of English text and technical prose, the 1023 predictions inside each, no past. Calibration: 16 k tokens of other text of the same kinds.",
                $"Make it with `python3 {Path.Combine(smol, "materialize.py")} --export optimum --to {Folder(smolLm2)}`, or give --smollm2, and --models for the folder that holds smollm2/.")
            {
                Forms = [TableForm.Of(AsExported, FormFamily.Fp32, smolLm2), .. TableForm.Common, TableForm.Of("genai int4", FormFamily.Neighbour, genaiInt4)],
            },
        ];
    }

    static string Folder(string file) => Path.GetDirectoryName(file) is { Length: > 0 } folder ? folder : ".";
}
