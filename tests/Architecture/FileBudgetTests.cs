using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Architecture;

public class FileBudgetTests
{
    const int Lines = 400;

    // A file above the budget has its reason here.
    static readonly Dictionary<string, string> Exceptions = [];

    [Fact]
    public void A_source_file_has_at_most_400_lines()
    {
        var tooLong = from file in Sources.CSharp("src", "graph-passes", "custom-ops", "samples", "tests")
                      let name = Path.GetRelativePath(Fixtures.Root, file).Replace('\\', '/')
                      let lines = File.ReadLines(file).Count()
                      where lines > Lines && !Exceptions.ContainsKey(name)
                      select $"{name}: {lines} lines";
        Assert.Empty(tooLong);
    }

    [Fact]
    public void Every_listed_exception_still_needs_to_be_one() =>
        Assert.DoesNotContain(Exceptions.Keys, name => Sources.Read(name).Split('\n').Length <= Lines);

    [Theory]
    [InlineData("build.sh")]
    [InlineData("build.ps1")]
    public void A_build_script_has_less_than_100_lines(string script) =>
        Assert.InRange(Sources.Read(script).Split('\n').Length, 1, 99);
}
