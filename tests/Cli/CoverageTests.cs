using OnnxEff.Cli.Coverage;
using OnnxEff.Tests.Architecture;
using OnnxEff.Tests.Runtime;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Cli;

/// <summary><c>docs/coverage.md</c> is what <c>onnxeff emit coverage</c> says now.</summary>
public class CoverageTests
{
    const string OutOfDate = "docs/coverage.md is out of date: onnxeff emit coverage FOLDER > docs/coverage.md";

    public CoverageTests()
    {
        Native.Require();
        OperatorLibrary.Require();
    }

    [Fact]
    public void The_models_beside_the_tests_are_covered_as_the_document_says()
    {
        var document = Sources.Read("docs/coverage.md");
        var rows = CoverageDocument.Rows(Fixtures.Of());
        Assert.Equal(Fixtures.Cells, rows.Select(row => row.Model).Distinct());
        Assert.All(rows, row => Assert.True(row.IsWhole && row.Agreement is not null, $"{row}"));
        foreach (var model in rows.GroupBy(row => row.Model))
            Assert.All(CoverageDocument.Lines(model, []), line => Assert.True(document.Contains(line, StringComparison.Ordinal), $"{OutOfDate}: {line}"));
    }

    [Fact]
    public void All_models_are_covered_as_the_document_says()
    {
        var rows = CoverageDocument.Rows(Fixtures.Shared("matrix"));
        var models = rows.GroupBy(row => row.Model).ToArray();
        Assert.All(rows, row => Assert.True(row.Agreement is not null, $"{row}"));
        Assert.InRange(models.Count(model => model.All(row => row.IsWhole)), 0.95 * models.Length, models.Length);
        Assert.True(Sources.Read("docs/coverage.md") == CoverageDocument.Text(rows), OutOfDate);
    }
}
