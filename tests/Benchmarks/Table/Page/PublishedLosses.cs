namespace OnnxEff.Benchmarks.Table.Page;

/// <summary>What others published of a quantised model.</summary>
/// <param name="Format">The format.</param>
/// <param name="UsesText">True if it was quantised for a text, as ours are; false without.</param>
/// <param name="GiB">Size of the file.</param>
/// <param name="Perplexity">Perplexity.</param>
/// <param name="Kl">KL divergence from the unquantised model; null where it is not given.</param>
sealed record PublishedLoss(string Format, bool UsesText, double GiB, double Perplexity, double? Kl);

/// <summary>A published table.</summary>
/// <param name="Model">The model.</param>
/// <param name="GiB">Size of its fp16 file.</param>
/// <param name="Perplexity">Perplexity of fp16.</param>
/// <param name="Losses">Its rows.</param>
sealed record PublishedTable(string Model, double GiB, double Perplexity, IReadOnlyList<PublishedLoss> Losses)
{
    /// <summary>Where the numbers are from.</summary>
    public const string Source =
        "[llama.cpp, tools/perplexity/README.md](https://github.com/ggml-org/llama.cpp/blob/master/tools/perplexity/README.md) " +
        "(LLaMA 3 8b Scoreboard; Llama 2 70B Scoreboard), wikitext-2";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<PublishedTable> All { get; } =
    [
        new("LLaMA 3 8B", 14.97, 6.233160,
        [
            new("q8_0", false, 7.96, 6.234284, 0.001355),
            new("q6_K", false, 6.14, 6.253382, 0.005452),
            new("q5_K_M", false, 5.33, 6.288607, 0.010762),
            new("q4_K_M", true, 4.58, 6.382937, 0.028152),
            new("q4_K_M", false, 4.58, 6.407115, 0.031273),
            new("q3_K_M", true, 3.74, 6.734255, 0.084358),
            new("q3_K_M", false, 3.74, 6.888498, 0.101913),
            new("iq3_XXS", true, 3.05, 7.458436, 0.183625),
            new("q2_K", true, 2.96, 8.647825, 0.332223),
            new("q2_K", false, 2.96, 9.751568, 0.445132),
            new("iq2_XS", true, 2.43, 10.761424, 0.546290),
            new("iq2_XXS", true, 2.24, 14.091782, 0.812022),
        ]),
        new("Llama 2 70B", 128.5, 3.4313,
        [
            new("Q4_K_M", false, 38.54, 3.4725, null),
            new("Q3_K_M", false, 30.83, 3.5932, null),
            new("Q2_K", false, 27.27, 3.7339, null),
        ]),
    ];
}
