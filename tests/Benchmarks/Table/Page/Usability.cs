namespace OnnxEff.Benchmarks.Table.Page;

/// <summary>What a form is good for, judged by how much its perplexity is above that of fp32.</summary>
enum Usability
{
    Usable,
    WithCare,
    NotUsable,
}

/// <summary>The rule, and how it is told.</summary>
static class UsabilityRule
{
    /// <summary>The most that a form loses and is still usable.</summary>
    public const double Usable = 0.05;

    /// <summary>The most that it loses and is usable with care.</summary>
    public const double WithCare = 0.20;

    /// <summary>The rule in words.</summary>
    public static string Sentence { get; } = FormattableString.Invariant(
        $"Usable: perplexity at most {Usable * 100:0} % above fp32. With care, where a text of your own shows that it is enough: at most {WithCare * 100:0} %. Else not usable.");

    /// <summary>The verdict.</summary>
    /// <param name="loss">Perplexity by that of fp32, less one; not a number where the model says nothing any more.</param>
    public static Usability Of(double loss) => loss <= Usable ? Usability.Usable : loss <= WithCare ? Usability.WithCare : Usability.NotUsable;

    /// <summary>It in words.</summary>
    public static string Text(this Usability usability) => usability switch
    {
        Usability.Usable => "usable",
        Usability.WithCare => "with care",
        _ => "**not usable**",
    };
}
