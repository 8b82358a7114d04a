namespace OnnxEff.Cli.Json;

/// <summary>The result of <c>import-vptq</c>.</summary>
/// <param name="Input">The graph.</param>
/// <param name="Output">The file written.</param>
/// <param name="Imported">Products whose weights are the checkpoint's.</param>
/// <param name="Left">Products that were left.</param>
/// <param name="Unused">Layers of the checkpoint that are in no product.</param>
/// <param name="WorstDifference">Largest difference to the decoded weights' outputs, relative; null if nothing was compared.</param>
sealed record ImportJson(string Input, string Output, ImportedJson[] Imported, LeftJson[] Left, string[] Unused, double? WorstDifference);

/// <summary>A product whose weight is the checkpoint's.</summary>
sealed record ImportedJson(string Node, string[] Layers, long BytesBefore, long BytesAfter);

/// <summary>A product that was left.</summary>
sealed record LeftJson(string Node, string Reason);
