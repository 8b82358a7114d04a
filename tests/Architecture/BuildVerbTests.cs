using System.Text.RegularExpressions;
using OnnxEff.Cli;
using OnnxEff.Cli.Shell;
using Xunit;

namespace OnnxEff.Tests.Architecture;

public partial class BuildVerbTests
{
    static readonly Terminal Nowhere = new(TextWriter.Null, TextWriter.Null, outputIsScreen: false, errorIsScreen: false, colour: false);

    [Fact]
    public void Both_build_scripts_list_the_same_verbs() => Assert.Equal(Verbs("build.sh"), Verbs("build.ps1"));

    [Theory]
    [InlineData("build.sh", @"^{0}\(\) ")]
    [InlineData("build.ps1", "^function {0} ")]
    public void Every_listed_verb_is_a_function_of_the_script(string script, string form)
    {
        var text = Sources.Read(script);
        Assert.DoesNotContain(Verbs(script), verb => !Regex.IsMatch(text, form.Replace("{0}", verb, StringComparison.Ordinal), RegexOptions.Multiline));
    }

    [Fact]
    public void Every_build_verb_that_a_document_names_exists()
    {
        var named = Documents().SelectMany(text => BuildCommand().Matches(text)).Select(match => match.Groups[1].Value).Distinct();
        Assert.Empty(named.Except([.. Verbs("build.sh"), "VERB"]));
    }

    [Fact]
    public void Every_command_that_a_document_names_exists()
    {
        var known = CommandLine.Root(Nowhere).Subcommands.Select(command => command.Name);
        var named = Documents().SelectMany(text => ToolCommand().Matches(text)).Select(match => match.Groups[1].Value).Distinct();
        Assert.Empty(named.Except(known));
    }

    [Fact]
    public void The_readme_describes_every_visible_command()
    {
        var readme = Sources.Read("README.md");
        Assert.DoesNotContain(CommandLine.Root(Nowhere).Subcommands,
            command => !command.Hidden && !readme.Contains($"onnxeff {command.Name}", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_file_that_the_readme_links_to_exists()
    {
        var links = Link().Matches(Sources.Read("README.md")).Select(match => match.Groups[1].Value);
        Assert.DoesNotContain(links, link => !Path.Exists(Path.Combine(Testing.Fixtures.Root, link)));
    }

    static List<string> Verbs(string script) =>
        [.. ListedVerb().Matches(Sources.Read(script)).Select(match => match.Groups[1].Value)];

    static IEnumerable<string> Documents() => Directory.GetFiles(Path.Combine(Testing.Fixtures.Root, "docs"), "*.md")
        .Append(Path.Combine(Testing.Fixtures.Root, "README.md")).Select(File.ReadAllText);

    [GeneratedRegex(@"^  ([a-z]+) {2,}\S", RegexOptions.Multiline)]
    private static partial Regex ListedVerb();

    [GeneratedRegex(@"\./build\.(?:sh|ps1) ([A-Za-z]+)")]
    private static partial Regex BuildCommand();

    [GeneratedRegex(@"(?:^|`|/)onnxeff ([a-z]+(?:-[a-z]+)*)", RegexOptions.Multiline)]
    private static partial Regex ToolCommand();

    [GeneratedRegex(@"\]\(((?!https?:)[^)#]+)\)")]
    private static partial Regex Link();
}
