namespace OnnxEff.Cli.Json;

/// <summary>The result of <c>doctor --json</c>.</summary>
sealed record DoctorJson(bool Healthy, DoctorCheckJson[] Checks);

/// <summary>One check of <c>doctor</c>.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="Verdict"><c>ok</c>, <c>skipped</c> or <c>failed</c>.</param>
/// <param name="Detail">What was found.</param>
sealed record DoctorCheckJson(string Name, string Verdict, string Detail);
