using System.Globalization;
using OnnxEff.Benchmarks.Limits;
using OnnxEff.Benchmarks.Running;
using OnnxEff.Runtime;

namespace OnnxEff.Benchmarks.LowBit;

/// <summary>One case on one number of threads, measured when the text is asked for.</summary>
/// <param name="Case">What is multiplied.</param>
/// <param name="Threads">Of every session.</param>
/// <param name="Forms">Ours.</param>
/// <param name="Library">Our operators.</param>
/// <param name="Other">Another build of them to stand beside, or null.</param>
/// <param name="Effort">How long.</param>
sealed record LowBitRow(LowBitCase Case, int Threads, IReadOnlyList<LowBitForm> Forms, string Library, string? Other, Effort Effort)
{
    /// <summary>A row of the table.</summary>
    public string Text()
    {
        bool inCache = Case.Layers == 1;
        OrtTensor x = Case.Activations();
        List<BoundSession> sessions = [Open(x, LowBitForm.MatMulNBits)];
        if (inCache) sessions.Add(Open(x, LowBitForm.MatMul));
        int ours = sessions.Count;
        sessions.AddRange(Forms.Select(form => Open(x, form)));
        if (Other is not null) sessions.AddRange(Forms.Select(form => Open(x, form, Other)));
        // Many layers are out of the caches, and only there the speed of reading is a limit.
        double[] seconds = Turns.Medians(Effort, warm: inCache, [.. sessions.Select(session => (Action)session.Run), .. inCache ? [] : (Action[])[() => LimitWork.Read(Threads)]]);
        sessions.ForEach(session => session.Dispose());
        double readSpeed = inCache ? 0 : LimitWork.Bytes / seconds[^1];
        string[] cells =
        [
            $"{Case.Outputs} × {Case.Inputs}", $"{Case.Tokens}", $"{Threads}", inCache ? "in cache" : $"{Case.Layers} layers, {readSpeed / 1e9:F1} GB/s",
            Time(seconds[0]), inCache ? Time(seconds[1]) : "–", .. Forms.Select((form, at) => Cell(form, seconds[ours + at], seconds[0], inCache ? seconds[1] : null, readSpeed) + (Other is null ? "" : $" {Ratio(seconds[ours + at] / seconds[ours + Forms.Count + at])} other")),
        ];
        return $"| {string.Join(" | ", cells)} |";
    }

    // Threads spin from node to node, as in a model's run; those of a session that is not running would take the processor from the others.
    BoundSession Open(OrtTensor x, LowBitForm form, string? library = null) => Case.Build(form, x).Open(new OrtSessionOptions
    {
        IntraOpThreads = Threads,
        Config = new Dictionary<string, string> { ["session.force_spinning_stop"] = "1" },
        CustomOpLibraries = [library ?? Library],
    });

    string Cell(LowBitForm form, double seconds, double rival, double? dense, double readSpeed)
    {
        string more = dense is { } d ? $" / {Ratio(seconds / d)}" : $", {form.BitsPerWeight / 8 * Case.Outputs * Case.Inputs * Case.Layers / seconds / readSpeed * 100:F0} %";
        return $"{Time(seconds)} ({Ratio(seconds / rival)}{more})";
    }

    string Time(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds / Case.Nodes * 1e3:F4} ms");

    static string Ratio(double ratio) => string.Create(CultureInfo.InvariantCulture, $"{ratio:F2}×");
}
