namespace OnnxEff.Cli.Json;

/// <summary>The result of <c>compress</c>.</summary>
/// <param name="Input">The model.</param>
/// <param name="Output">The file written.</param>
/// <param name="Form">The stored form.</param>
/// <param name="Matrices">Matrices that were quantised.</param>
/// <param name="Weights">Their weights.</param>
/// <param name="BitsPerWeight">Bits of all that is stored of them, by weights.</param>
/// <param name="FileBytes">Bytes of the written model with its data.</param>
/// <param name="WorstMatrix">The matrix with the largest error.</param>
/// <param name="WorstError">Its error: mean square of what its outputs are off, by their own, on the calibration text.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="PeakBytes">Peak memory.</param>
/// <param name="Compressed">The matrices.</param>
/// <param name="Left">Products that keep their weight.</param>
/// <param name="Notes">What the user should know.</param>
sealed record CompressJson(string Input, string Output, string Form, int Matrices, long Weights, double BitsPerWeight, long FileBytes, string WorstMatrix, double WorstError,
    double Seconds, long PeakBytes, CompressedJson[] Compressed, LeftJson[] Left, string[] Notes);

/// <summary>A matrix that was quantised.</summary>
sealed record CompressedJson(string Node, int Inputs, int Outputs, string Operator, double Error);
