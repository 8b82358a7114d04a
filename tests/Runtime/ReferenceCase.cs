using System.Text.Json;
using OnnxEff.Ir;
using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;

namespace OnnxEff.Tests.Runtime;

/// <summary>One reference case of an exported cell: tensors by name, and which positions mean something.</summary>
sealed class ReferenceCase
{
    readonly JsonElement valid;

    public ReferenceCase(string folder)
    {
        Inputs = Read(folder, "input");
        Outputs = Read(folder, "output");
        valid = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "valid.json"))).RootElement;
    }

    public Dictionary<string, Tensor> Inputs { get; }

    public Dictionary<string, Tensor> Outputs { get; }

    /// <summary>The meaningful columns of a row of logits.</summary>
    public (int First, int End) Range(string output, int row)
    {
        if (!valid.TryGetProperty(output, out var entry)) return (0, (int)Outputs[output].Dims[1]);
        var range = entry.GetProperty("rows")[row];
        return (range[0].GetInt32(), range[1].GetInt32());
    }

    /// <summary>The token ids as a batch, padded where the mask says so.</summary>
    public TokenBatch Tokens(string ids, string mask, PaddingSide side)
    {
        var tokens = Inputs[ids];
        var rows = (int)tokens.Dims[0];
        var columns = (int)tokens.Dims[1];
        var total = (int)Inputs[mask].Dims[1];
        var sequences = new List<int[]>();
        for (var row = 0; row < rows; row++)
        {
            var kept = Enumerable.Range(0, columns)
                .Where(c => Inputs[mask].As<long>()[row * total + total - columns + c] != 0);
            sequences.Add([.. kept.Select(c => (int)tokens.As<long>()[row * columns + c])]);
        }
        return TokenBatch.Of(sequences, side);
    }

    static Dictionary<string, Tensor> Read(string folder, string prefix) =>
        Directory.EnumerateFiles(folder, prefix + "_*.pb").Select(TensorFile.Read).ToDictionary(t => t.Name, t => t.Tensor);
}
