using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Ir.Shapes;
using OnnxEff.Runtime;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Ir.Shapes;

/// <summary>Every inferred type and value of an exported graph against what ONNX Runtime computes on its reference cases.</summary>
public class InferredFactsTests
{
    public static TheoryData<string> Fixed => [.. Directory.EnumerateFiles(Fixtures.Of(), "model.onnx", SearchOption.AllDirectories)
        .Where(HasCases).Select(f => Path.GetFileName(Path.GetDirectoryName(f))!).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Shared => [.. Fixtures.SharedFiles("model.onnx", "matrix").Select(f => Path.GetFileName(Path.GetDirectoryName(f)) ?? "")
        .Where(f => !f.StartsWith("llama--", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Fixed))]
    public void Facts_of_the_committed_cells_are_what_a_run_shows(string cell) => Compare(Fixtures.Of(cell));

    [Theory]
    [MemberData(nameof(Shared))]
    public void Facts_of_the_other_cells_are_what_a_run_shows(string cell)
    {
        var folder = Fixtures.SharedModels("matrix", cell);
        if (!HasCases(Path.Combine(folder, "model.onnx")))
            Assert.Skip("The cell has no reference cases.");
        Compare(folder);
    }

    static bool HasCases(string model) => Directory.Exists(Path.Combine(Path.GetDirectoryName(model)!, "test_data_set_0"));

    static void Compare(string folder)
    {
        Native.Require();
        var model = OnnxReader.Load(Path.Combine(folder, "model.onnx"));
        var declared = model.Graph.Inputs.ToDictionary(i => i.Name, i => i.Type!.Shape!);
        var facts = ShapeInference.Run(model);
        Assert.Empty(facts.Diagnostics);
        Value[] watched = [.. model.Graph.Nodes.SelectMany(n => n.Outputs).Where(o => o.Name.Length > 0)];
        Assert.All(watched, v => Assert.NotNull(v.Type?.Shape));
        model.Graph.Outputs.AddRange(watched.Except(model.Graph.Outputs));

        using var session = OrtSession.FromBytes(OnnxWriter.ToBytes(model), OrtSessionOptions.Small);
        foreach (var set in ReferenceData.In(folder))
        {
            var inputs = set.Inputs.Where(i => session.Inputs.Any(p => p.Name == i.Key)).ToArray();
            var symbols = new Dictionary<string, long>();
            foreach (var (name, tensor) in inputs)
            {
                for (var i = 0; i < tensor.Rank; i++)
                {
                    if (declared[name][i].IsSymbol)
                        symbols[declared[name][i].ToString()] = tensor.Dims[i];
                }
            }
            OrtFeed[] feeds = [.. inputs.Select(i => new OrtFeed(i.Key, OrtTensor.From(i.Value)))];
            var results = session.Run(feeds, [.. watched.Select(v => new OrtFetch(v.Name))]);
            for (var i = 0; i < watched.Length; i++)
                Compare(watched[i], facts.ValueOf(watched[i]), results[i], symbols);
            foreach (var tensor in feeds.Select(f => f.Tensor).Concat(results))
                tensor.Dispose();
        }
    }

    static void Compare(Value value, SymbolicValue? known, OrtTensor real, Dictionary<string, long> symbols)
    {
        Assert.True(value.Type!.Element == real.Element, $"{value} is {real.Element}");
        Assert.True(value.Type.Shape!.Rank == real.Dims.Length, $"{value} has rank {real.Dims.Length}");
        for (var i = 0; i < real.Dims.Length; i++)
        {
            var dim = value.Type.Shape[i].Evaluate(symbols); // Null where the dimension depends on data.
            Assert.True(dim is null || dim == real.Dims[i], $"Axis {i} of {value} has {real.Dims[i]}, not {dim}");
        }
        if (known is null)
            return;
        var elements = real.ToTensor().ToDouble()!;
        for (var i = 0; i < elements.Length; i++)
        {
            if ((known[i].Number ?? known[i].Dim?.Evaluate(symbols)) is { } number)
                Assert.True(IsNear(number, elements[i]), $"Element {i} of {value} is {elements[i]}, not {known[i]}");
        }
    }

    static bool IsNear(double a, double b) => a.Equals(b) || Math.Abs(a - b) <= 1e-6 * Math.Abs(b);
}
