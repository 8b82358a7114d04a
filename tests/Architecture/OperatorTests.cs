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

    [Fact]
    public void Every_operator_has_a_kernel_and_tests() => Assert.DoesNotContain(OnnxEffOperators.All, schema =>
        !Sources.CSharp("custom-ops/cpu").Any(file => Path.GetFileName(file) == $"{schema.Name}Kernel.cs")
        || !Sources.CSharp("tests/CustomOps").Any(file => File.ReadAllText(file).Contains(schema.Name, StringComparison.Ordinal)));
}
