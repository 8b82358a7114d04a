using System.Xml.Linq;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Architecture;

public class ReferenceDirectionTests
{
    // What a project may refer to, directly or not. References point one way; passes and kernels never see each other.
    static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["OnnxEff.Ir"] = [],
        ["OnnxEff.Formats"] = ["OnnxEff.Ir"],
        ["OnnxEff.Rewriting"] = ["OnnxEff.Ir"],
        ["OnnxEff.Ops"] = ["OnnxEff.Formats", "OnnxEff.Rewriting", "OnnxEff.Ir"],
        ["OnnxEff.Compression"] = ["OnnxEff.Ops", "OnnxEff.Formats", "OnnxEff.Rewriting", "OnnxEff.Ir"],
        ["OnnxEff.GraphPasses"] = ["OnnxEff.Ops", "OnnxEff.Formats", "OnnxEff.Rewriting", "OnnxEff.Ir"],
        ["OnnxEff.Runtime"] = ["OnnxEff.Ops", "OnnxEff.Formats", "OnnxEff.Rewriting", "OnnxEff.Ir"],
        ["OnnxEff.Decoding"] = ["OnnxEff.Runtime", "OnnxEff.Ops", "OnnxEff.Formats", "OnnxEff.Rewriting", "OnnxEff.Ir"],
        ["OnnxEff.Cli"] = ["OnnxEff.Compression", "OnnxEff.Decoding", "OnnxEff.GraphPasses", "OnnxEff.Runtime", "OnnxEff.Ops", "OnnxEff.Formats", "OnnxEff.Rewriting", "OnnxEff.Ir"],
        ["OnnxEff.CustomOps.Cpu"] = ["OnnxEff.Ops", "OnnxEff.Formats", "OnnxEff.Rewriting", "OnnxEff.Ir"],
        ["OnnxEff.CustomOps.Native"] = ["OnnxEff.CustomOps.Cpu", "OnnxEff.Ops", "OnnxEff.Formats", "OnnxEff.Rewriting", "OnnxEff.Ir"],
        ["OnnxEff.Ops.Native"] = [],
    };

    [Fact]
    public void Every_shipping_project_has_a_place_in_the_direction() =>
        Assert.Equal(Allowed.Keys.Order(), Projects().Keys.Order());

    [Fact]
    public void References_point_one_way()
    {
        var wrong = from project in Projects()
                    from reference in project.Value
                    where !Allowed[project.Key].Contains(reference)
                    select $"{project.Key} -> {reference}";
        Assert.Empty(wrong);
    }

    [Fact]
    public void Only_the_command_line_writes_to_the_console()
    {
        var offenders = Sources.CSharp("src", "graph-passes", "custom-ops")
            .Where(file => !file.Contains("OnnxEff.Cli", StringComparison.Ordinal))
            .Where(file => File.ReadAllText(file).Contains("Console.", StringComparison.Ordinal));
        Assert.Empty(offenders);
    }

    static Dictionary<string, string[]> Projects() => ((string[])["src", "graph-passes", "custom-ops"])
        .SelectMany(folder => Directory.GetFiles(Path.Combine(Fixtures.Root, folder), "*.csproj", SearchOption.AllDirectories))
        .ToDictionary(
            file => Path.GetFileNameWithoutExtension(file),
            file => XDocument.Load(file).Descendants("ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value)).ToArray());
}
