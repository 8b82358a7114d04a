using System.Text.RegularExpressions;
using OnnxEff.GraphPasses;
using Xunit;

namespace OnnxEff.Tests.Architecture;

public partial class PassNameTests
{
    [Fact]
    public void Pass_names_are_kebab_case() =>
        Assert.DoesNotContain(Optimizer.Passes, pass => !KebabCase().IsMatch(pass.Name));

    [Fact]
    public void A_name_belongs_to_one_pass()
    {
        var shared = Enum.GetValues<Target>().SelectMany(target => Pipelines.Full(target, opset: 18).Steps)
            .GroupBy(step => step.Pass.Name).Where(group => group.Select(step => step.Pass.GetType()).Distinct().Count() > 1)
            .Select(group => group.Key);
        Assert.Empty(shared);
    }

    [Fact]
    public void Default_pipelines_do_not_approximate() =>
        Assert.DoesNotContain(Optimizer.Passes, pass => pass.Exactness is not (OnnxEff.Rewriting.Exactness.Exact or OnnxEff.Rewriting.Exactness.Reassociates));

    [Fact]
    public void Every_step_of_a_pipeline_says_why_it_stands_there() =>
        Assert.DoesNotContain(Pipelines.Full(Target.OnnxEff, opset: 18).Steps, step => step.Because.Length == 0);

    [GeneratedRegex("^[a-z]+(-[a-z]+)*$")]
    private static partial Regex KebabCase();
}
