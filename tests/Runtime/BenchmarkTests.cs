using OnnxEff.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Runtime;

public class BenchmarkTests
{
    public BenchmarkTests() => Native.Require();

    static BenchModel Draft => BenchModel.Load(Fixtures.SharedModels("kjv", "kjv-draft", "optimum.onnx"));

    static BenchModel Cell(string cell) => BenchModel.Load(Fixtures.SharedModels("matrix", cell, "model.onnx"));

    [Fact]
    public void Rows_are_llama_benchs_tests_of_each_model()
    {
        BenchOptions options = new() { Threads = 1, Prompts = [16], Generations = [4], Depths = [0, 8], Repetitions = 2 };
        var report = Benchmark.Run([Cell("llama--optimum"), Cell("llama--genai-fp32")], options);
        Assert.Equal(["pp16", "tg4", "pp16 @ d8", "tg4 @ d8"], report.Rows.Take(4).Select(r => r.Test));
        Assert.All(report.Rows, r => Assert.Equal(2, r.Samples.Count));
        Assert.All(report.Rows, r => Assert.True(r.Mean > 0));
        Assert.Equal([KvContract.Concat, KvContract.InPlace], report.Rows.Select(r => r.Contract).Distinct());
    }

    [Fact]
    public void The_table_has_llama_benchs_columns()
    {
        BenchReport report = new([new("m", 5 << 20, 4_950_000, "ORT 1.30.0 CPU", 2, KvContract.Concat, "pp512", [100, 110])]);
        var lines = report.ToMarkdown().Split('\n');
        Assert.Equal(["model", "size", "params", "backend", "threads", "test", "t/s"],
            lines[0].Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.Contains("| 5.00 MiB | 4.95 M |", lines[2].Replace("  ", " ", StringComparison.Ordinal));
        Assert.Contains("105.00 ± 7.07", lines[2]);
        Assert.StartsWith("m,5242880,4950000,ORT 1.30.0 CPU,2,Concat,pp512,105.0000,7.0711", report.ToCsv().Split('\n')[1]);
        Assert.Contains("\"pp512\"", report.ToJson());
    }

    [Fact]
    public void Tied_and_packed_weights_count_as_what_they_stand_for()
    {
        var full = ModelSize.Of(Cell("llama--genai-fp32").Path, Cell("llama--genai-fp32").Graph);
        var packed = ModelSize.Of(Cell("llama--genai-int4").Path, Cell("llama--genai-int4").Graph);
        Assert.InRange(packed.Parameters, full.Parameters * 0.95, full.Parameters * 1.05);
        Assert.True(packed.Bytes < full.Bytes / 2);
        Assert.Equal(893_568, ModelSize.Of(Draft.Path, Draft.Graph).Parameters); // 631,424 and the exporter's transposed copy of the embedding
    }

    [Fact]
    public void Sizes_that_are_not_positive_are_refused() =>
        Assert.Throws<ArgumentException>(() => Benchmark.Run([], new() { Prompts = [0] }));
}
