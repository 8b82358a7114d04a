using System.CommandLine;
using System.Globalization;
using OnnxEff.Cli.Json;
using OnnxEff.Cli.Shell;
using OnnxEff.GraphPasses;
using OnnxEff.Runtime;

namespace OnnxEff.Cli.Commands;

/// <summary><c>onnxeff inspect</c>: what a model is, as far as it is recognised.</summary>
static class InspectCommand
{
    const int OperatorsShown = 12;
    const int PortsShown = 6;

    public static Command Create(Terminal terminal)
    {
        var model = Options.Model();
        var json = Options.Json();
        return Verb.Create("inspect", "Show a model's architecture: layers, heads, cache, masks, rotary embedding, weights.",
            ["onnxeff inspect model.onnx", "onnxeff inspect model-folder --json"], [model, json], parse =>
            {
                var loaded = LoadedModel.Load(parse.GetValue(model)!);
                var bytes = loaded.Bytes;
                var facts = terminal.Working("Recognising", _ => Optimizer.Inspect(loaded.Model, new OrtEvaluator()));
                if (parse.GetValue(json)) terminal.Output.Write(JsonOutput.Text(Json(loaded.Path, facts), JsonContracts.Readable.InspectJson));
                else Show(terminal, loaded.Path, bytes, facts);
                return ExitCode.Done;
            });
    }

    static void Show(Terminal terminal, string path, long bytes, ModelFacts facts)
    {
        List<string[]> rows =
        [
            ["file", $"{path} ({Quantity.Bytes(bytes)} with its data)"],
            ["exporter", facts.Exporter.Length > 0 ? facts.Exporter : "not named"],
            ["operator sets", string.Join(", ", facts.Opsets.Select(set => $"{(set.Key.Length > 0 ? set.Key : "onnx")} {set.Value}"))],
            ["decoder", facts.Signature is { } signature ? $"yes, {signature.Caches.Count} cache tensors" : $"no: {facts.SignatureRefusal}"],
            ["layers", $"{facts.Layers.Count}"],
            ["hidden size", facts.HiddenSize?.ToString() ?? "not known"],
            ["vocabulary", facts.Vocabulary?.ToString() ?? "not known"],
            ["nodes", facts.Size.Nodes.ToString()],
            ["operators", string.Join(", ", facts.Size.Operators.Take(OperatorsShown).Select(op => $"{op.Value} {op.Key}")) + (facts.Size.Operators.Count > OperatorsShown ? ", ..." : "")],
            ["weights", string.Join(", ", facts.WeightBytesByType.OrderByDescending(type => type.Value).Select(type => $"{Quantity.Bytes(type.Value)} {type.Key}"))],
            ["KV cache per token", facts.Size.CacheBytesPerToken is { } perToken ? Quantity.Bytes(perToken) : "none"],
            .. Ports("input", facts.Inputs),
            .. Ports("output", facts.Outputs),
        ];
        terminal.Table(["fact", "value"], rows);
        Layers(terminal, facts.Layers);
        if (facts.Refused.Count > 0)
            terminal.Table([">layer", "part", "left as it is", "why"], facts.Refused.Select(left =>
                (string[])[left.Layer < 0 ? "-" : $"{left.Layer}", left.Meaning, left.NodeName, left.Sentence]));
    }

    // Layers that are alike share a line.
    static void Layers(Terminal terminal, IReadOnlyList<LayerFacts> layers)
    {
        var groups = layers.GroupBy(layer => layer with { Layer = 0, NodeName = "" }).Select(group => (Layers: Ranges([.. group.Select(l => l.Layer)]), Facts: group.First())).ToArray();
        if (groups.Length == 0) return;
        terminal.Table(["layers", ">heads", ">kv", ">size", ">scale", ">soft cap", "sinks", "mask", "rotary", "cache"], groups.Select(g => g.Facts.Attention is { } a
            ? (string[])[g.Layers, $"{a.Heads}", $"{a.KvHeads}", a.ValueHeadSize == a.HeadSize ? $"{a.HeadSize}" : $"{a.HeadSize}, values {a.ValueHeadSize}", Number(a.Scale),
                a.Softcap == 0 ? "" : Number(a.Softcap), a.HasSinks ? "yes" : "no", a.Mask, a.Rotary.Length > 0 ? a.Rotary : "none", a.Cache]
            : [g.Layers, "", "", "", "", "", "", "not recognised", "", ""]));
        terminal.Table(["layers", "norms", "feed-forward", "first attention"], groups.Select(g => (string[])[g.Layers, g.Facts.Norms, g.Facts.Mlp, g.Facts.NodeName]));
    }

    /// <summary>"0-2, 5".</summary>
    static string Ranges(int[] numbers) => string.Join(", ", numbers.Select((number, i) => (number, run: number - i)).GroupBy(n => n.run)
        .Select(g => g.Count() == 1 ? $"{g.First().number}" : $"{g.First().number}-{g.Last().number}"));

    static string Number(float value) => value.ToString("G6", CultureInfo.InvariantCulture);

    // Caches are many and alike.
    static IEnumerable<string[]> Ports(string name, IReadOnlyList<string> ports) => ports.Count <= PortsShown
        ? ports.Select(port => (string[])[name, port])
        : ports.Take(PortsShown - 1).Append($"... and {ports.Count - PortsShown + 1} more").Select(port => (string[])[name, port]);

    static InspectJson Json(string path, ModelFacts facts) => new(
        path, facts.Exporter, facts.Opsets, SizeJson.Of(facts.Size), facts.WeightBytesByType.ToDictionary(type => type.Key.ToString(), type => type.Value),
        facts.Signature is not null, facts.Signature is null ? facts.SignatureRefusal : null, [.. facts.Inputs], [.. facts.Outputs],
        facts.Vocabulary, facts.HiddenSize, [.. facts.Layers], [.. facts.Refused]);
}
