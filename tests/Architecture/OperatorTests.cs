using OnnxEff.Cli;
using OnnxEff.Ops;
using Xunit;

namespace OnnxEff.Tests.Architecture;

public class OperatorTests
{
    [Fact]
    public void The_operator_reference_is_what_the_declarations_say() =>
        Assert.True(Sources.Read("docs/operators.md") == OperatorsDocument.Text(),
            "docs/operators.md is out of date: onnxeff emit operators > docs/operators.md");

    [Fact]
    public void Operator_names_are_unique() =>
        Assert.Equal(OnnxEffOperators.All.Count, OnnxEffOperators.All.Select(schema => schema.Name).Distinct().Count());
}
