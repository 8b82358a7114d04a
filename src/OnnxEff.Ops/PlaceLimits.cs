using OnnxEff.Ir;

namespace OnnxEff.Ops;

/// <summary>The attributes window, window_right and chunk, which more than one operator has.</summary>
static class PlaceLimits
{
    /// <summary>Their declarations.</summary>
    public static AttributeSchema[] Attributes { get; } =
    [
        new("window", ElementType.Int64, -1, "Keys up to its own that a query sees, that one included; -1 for all."),
        new("window_right", ElementType.Int64, -1, "Keys behind its own that a query sees; -1 for all."),
        new("chunk", ElementType.Int64, 0, "C: query i sees keys with floor(j/C) = floor(i/C); 0 for no chunks."),
    ];

    /// <summary>Why they mean nothing, or null when they are fine.</summary>
    public static string? Refusal(int window, int windowRight, int chunk) =>
        window is 0 or < -1 ? $"window must be -1 or positive; it is {window}."
        : windowRight < -1 ? $"window_right must be -1 or more; it is {windowRight}."
        : chunk < 0 ? $"chunk must be zero or positive; it is {chunk}."
        : null;
}
