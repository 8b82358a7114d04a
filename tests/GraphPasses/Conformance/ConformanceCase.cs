using System.Formats.Tar;
using System.IO.Compression;
using OnnxEff.Ir;
using OnnxEff.Ir.Onnx;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.GraphPasses.Conformance;

/// <summary>One of ONNX's node tests: a model, its inputs and what it must give.</summary>
/// <param name="File">The model's file.</param>
/// <param name="Inputs">In the order of the graph's inputs.</param>
/// <param name="Outputs">In the order of the graph's outputs.</param>
sealed record ConformanceCase(byte[] File, IReadOnlyList<Tensor> Inputs, IReadOnlyList<Tensor> Outputs)
{
    static readonly Dictionary<string, ConformanceCase> s_all = ReadAll();

    /// <summary>Names of the cases of a family, as <c>rotary_embedding</c>.</summary>
    public static IEnumerable<string> Names(string family) => s_all.Keys.Where(n => n.StartsWith(family, StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    /// <summary>The case of that name.</summary>
    public static ConformanceCase Of(string name) => s_all[name];

    /// <summary>True for an operator's function body in place of the operator.</summary>
    public static bool IsExpanded(string name) => name.EndsWith("_expanded", StringComparison.Ordinal);

    /// <summary>A new copy of the model.</summary>
    public Model Model() => OnnxReader.Parse(File);

    /// <summary>Asserts that outputs are those expected, as close as ONNX's own runner asks, or to 1e-2 where numbers have 16 bits.</summary>
    public void AssertOutputs(IReadOnlyList<Tensor> actual)
    {
        Assert.Equal(Outputs.Count, actual.Count);
        for (var i = 0; i < actual.Count; i++)
            AssertClose(Outputs[i], actual[i], $"output {i}");
    }

    /// <summary>Asserts that one tensor is close to another.</summary>
    public static void AssertClose(Tensor expected, Tensor actual, string what)
    {
        Assert.Equal((expected.Element, string.Join(' ', expected.Dims.ToArray())), (actual.Element, string.Join(' ', actual.Dims.ToArray())));
        var (relative, absolute) = expected.Element == ElementType.Float32 ? (1e-3, 1e-7) : (1e-2, 1e-2);
        foreach (var ((a, b), at) in expected.ToDouble()!.Zip(actual.ToDouble()!).Select((pair, at) => (pair, at)))
            Assert.True(a.Equals(b) || Math.Abs(a - b) <= absolute + (relative * Math.Abs(a)), $"{what}, element {at}: {b} where {a} is expected.");
    }

    static Dictionary<string, ConformanceCase> ReadAll()
    {
        var files = new Dictionary<string, Dictionary<string, byte[]>>();
        using var stream = System.IO.File.OpenRead(Fixtures.Of("conformance", "node.tar.gz"));
        using var archive = new TarReader(new GZipStream(stream, CompressionMode.Decompress));
        while (archive.GetNextEntry() is { } entry)
        {
            if (entry.DataStream is not { } data)
                continue;
            var parts = entry.Name.Split('/');
            var content = new MemoryStream();
            data.CopyTo(content);
            var name = parts[0]["test_".Length..];
            (files.TryGetValue(name, out var found) ? found : files[name] = [])[parts[^1]] = content.ToArray();
        }
        return files.ToDictionary(f => f.Key, f => new ConformanceCase(f.Value["model.onnx"], Tensors(f.Value, "input"), Tensors(f.Value, "output")));
    }

    static List<Tensor> Tensors(Dictionary<string, byte[]> files, string prefix) =>
        [.. Enumerable.Range(0, files.Count).Select(i => files.GetValueOrDefault($"{prefix}_{i}.pb")).OfType<byte[]>().Select(b => TensorFile.Parse(b).Tensor)];
}
