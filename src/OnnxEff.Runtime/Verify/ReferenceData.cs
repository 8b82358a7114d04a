using System.Text.Json;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;

namespace OnnxEff.Runtime;

/// <summary>
/// Inputs of a model with the outputs that are right, in the layout of ONNX's backend tests: <c>test_data_set_0/input_0.pb</c>, … A
/// file <c>valid.json</c> beside them says which rows of an output mean something: <c>{"logits": {"axis": 1, "rows": [[0, 24], [5, 24]]}}</c>.
/// </summary>
public sealed class ReferenceData
{
    readonly Dictionary<string, (int Axis, (int First, int End)[] Rows)> _valid = [];

    /// <summary>Reads the case in a folder.</summary>
    public ReferenceData(string folder)
    {
        (Name, Inputs, Outputs) = (Path.GetFileName(folder), Read(folder, "input"), Read(folder, "output"));
        var path = Path.Combine(folder, "valid.json");
        if (!File.Exists(path)) return;
        using var document = JsonDocument.Parse(File.ReadAllText(path));
        foreach (var output in document.RootElement.EnumerateObject())
            _valid[output.Name] = (output.Value.GetProperty("axis").GetInt32(),
                [.. output.Value.GetProperty("rows").EnumerateArray().Select(range => (range[0].GetInt32(), range[1].GetInt32()))]);
    }

    /// <summary>The name of its folder.</summary>
    public string Name { get; }

    /// <summary>The inputs by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Inputs { get; }

    /// <summary>The outputs that are right, by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Outputs { get; }

    /// <summary>All cases in the folder of a model.</summary>
    public static IReadOnlyList<ReferenceData> In(string folder) =>
        [.. Directory.EnumerateDirectories(folder, "test_data_set_*").Order(StringComparer.Ordinal).Select(f => new ReferenceData(f))];

    /// <summary>The meaningful places of a row of an output, along the axis that has some without meaning.</summary>
    public (int First, int End) Range(string output, int row) => _valid.TryGetValue(output, out var valid) ? valid.Rows[row] : (0, (int)Outputs[output].Dims[1]);

    /// <summary>Runs a model on the inputs and compares each output.</summary>
    /// <exception cref="OrtException">The run failed.</exception>
    public IReadOnlyList<TensorDifference> Compare(OrtSession session, double tolerance)
    {
        string[] names = [.. Outputs.Keys];
        OrtFeed[] feeds = [.. Inputs.Select(i => new OrtFeed(i.Key, OrtTensor.From(i.Value)))];
        try
        {
            return [.. session.Run(feeds, Array.ConvertAll(names, n => new OrtFetch(n))).Zip(names, (result, name) =>
            {
                using (result) return Compare(name, result.ToTensor(), tolerance);
            })];
        }
        finally
        {
            foreach (var feed in feeds) feed.Tensor.Dispose();
        }
    }

    TensorDifference Compare(string name, Tensor actual, double tolerance)
    {
        var expected = Outputs[name];
        return expected.Dims.SequenceEqual(actual.Dims) ? Differences.Between(name, [Meaningful(name, expected)], [Meaningful(name, actual)], tolerance)
            : new(name, double.PositiveInfinity, 1, false);
    }

    float[] Meaningful(string name, Tensor tensor)
    {
        var numbers = Array.ConvertAll(tensor.ToDouble() ?? throw new NotSupportedException($"The output '{name}' holds no numbers."), n => (float)n);
        if (!_valid.TryGetValue(name, out var valid)) return numbers;
        var dims = tensor.Dims.ToArray();
        var inner = dims[(valid.Axis + 1)..].Aggregate(1L, (a, b) => a * b);
        var perRow = numbers.Length / dims[0];
        return [.. numbers.Where((_, at) => at / inner % dims[valid.Axis] is var place
            && place >= valid.Rows[at / perRow].First && place < valid.Rows[at / perRow].End)];
    }

    static Dictionary<string, Tensor> Read(string folder, string prefix) => Directory.EnumerateFiles(folder, prefix + "_*.pb")
        .OrderBy(f => f.Length).ThenBy(f => f, StringComparer.Ordinal).Select(TensorFile.Read).ToDictionary(t => t.Name, t => t.Tensor);
}
