using System.Xml.Linq;
using OnnxEff.Benchmarks.Table;
using OnnxEff.Benchmarks.Table.Page;
using OnnxEff.Tests.Testing;
using Xunit;

namespace OnnxEff.Tests.Architecture;

/// <summary>What <c>./build.sh table low-bit</c> writes, from given rows.</summary>
public class LowBitPageTests
{
    const string Build = "0123456789ab";

    static readonly TableModel Model = new("m", "A model & more", "m.onnx", "c.npy", [], "Every window.", "");

    [Theory]
    [InlineData(-0.001, "usable")]
    [InlineData(0.05, "usable")]
    [InlineData(0.051, "with care")]
    [InlineData(0.20, "with care")]
    [InlineData(0.201, "**not usable**")]
    [InlineData(double.PositiveInfinity, "**not usable**")]
    [InlineData(double.NaN, "**not usable**")]
    public void The_verdict_follows_from_the_loss(double loss, string verdict) => Assert.Equal(verdict, UsabilityRule.Of(loss).Text());

    [Fact]
    public void A_row_shows_what_was_measured()
    {
        string[] cells = Cells(Page().ToMarkdown(), "vq:2");
        Assert.Equal(["vq:2", "2.06", "3.0 MiB", "21.000", "+5.0 %", "0.0312", "91.2 %", "300.0 ± 1.5 (1.50×)", "90.0 ± 2.0 (0.90×)", "12 s", "200.0 MiB", "usable"], cells);
    }

    [Fact]
    public void What_is_missing_is_shown_as_such_and_named_below()
    {
        string page = Page().ToMarkdown();
        Assert.Equal("–", Cells(page, "vq:4")[7]);
        Assert.Contains("- vq:4: tokens per second were not measured yet.\n", page, StringComparison.Ordinal);
        Assert.Contains("- vq:4: measured with build ba9876543210.\n", page, StringComparison.Ordinal);
        Assert.Contains("- vq:4: no time, because quantising was cut off and went on later.\n", page, StringComparison.Ordinal);
        Assert.Contains("- int2: exit code 5: The disk is full.\n", page, StringComparison.Ordinal);
        Assert.Contains("; int8; exact, bytes: not measured yet.\n", page, StringComparison.Ordinal);
        Assert.Contains("- exact: the model cannot have it. Its weights lie on no grid.\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("\n| exact", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_states_the_rule_the_machine_and_the_source_of_what_others_published()
    {
        string page = Page().ToMarkdown();
        Assert.Contains("at most 5 % above fp32", page, StringComparison.Ordinal);
        Assert.Contains("A processor, 2 threads; operator library at level v4; ONNX Runtime 1.2.3; build 0123456789ab", page, StringComparison.Ordinal);
        Assert.Contains("Every window.", page, StringComparison.Ordinal);
        Assert.Contains("llama.cpp, tools/perplexity/README.md", page, StringComparison.Ordinal);
        Assert.Equal(PublishedTable.All.Sum(table => table.Losses.Count), page.Split('\n').Count(line => line.StartsWith("| LL", StringComparison.OrdinalIgnoreCase)));
    }

    [Fact]
    public void The_diagram_is_well_formed_and_has_a_point_for_each_row_with_a_loss()
    {
        var svg = XDocument.Parse(Page().ToSvg());
        Assert.Equal(["fp32: 0.0 %, 20.0 MiB", "vq:2: +5.0 %, 3.0 MiB", "vq:4: no finite perplexity, 4.0 MiB"],
            svg.Descendants().Where(element => element.Name.LocalName == "title").Select(title => title.Value));
        Assert.Contains(svg.Descendants(), element => element.Value == "A model & more");
    }

    [Fact]
    public void A_page_without_any_row_says_so_of_each()
    {
        var page = new LowBitPage(new("A processor", "v4", 2, "1.2.3", Build), [new(Model.Title, Model.Protocol, [.. Model.Forms.Select(form => new PageRow(form, null, null))])]);
        Assert.Contains($"- {string.Join("; ", Model.Forms.Select(form => form.Name))}: not measured yet.\n", page.ToMarkdown(), StringComparison.Ordinal);
        XDocument.Parse(page.ToSvg());
    }

    [Fact]
    public void A_model_that_is_absent_is_named_with_what_to_do()
    {
        var run = Tool.Run("dotnet", [Path.Combine(AppContext.BaseDirectory, "OnnxEff.Benchmarks.dll"), "table", "low-bit", "--models", "nowhere"]);
        Assert.Equal(5, run.ExitCode);
        Assert.Equal($"kjv-base: '{Path.Combine("nowhere", "kjv", "kjv-base", "optimum.onnx")}' does not exist. Set ONNXEFF_SHARED_MODELS, or give --models, for the folder that holds kjv/.", run.Error.Trim());
        Assert.Empty(run.Output);
    }

    [Fact]
    public void Rows_are_kept_for_the_build_that_measured_them()
    {
        using var folder = new TempFolder();
        TableForm form = Model.Forms[1];
        TableRow row = new RowStore(folder.Path, Build, anyBuild: false).Save(new(Model.Name, form.Name, Build) { Perplexity = double.PositiveInfinity, Prompt = new(1, 2, 3) }, form);
        Assert.Equal(row, new RowStore(folder.Path, Build, anyBuild: false).Find(Model, form));
        Assert.Null(new RowStore(folder.Path, "another", anyBuild: false).Find(Model, form));
        Assert.Equal(row, new RowStore(folder.Path, "another", anyBuild: true).Find(Model, form));
    }

    static LowBitPage Page()
    {
        var row = new TableRow(Model.Name, "", Build);
        Dictionary<string, PageRow> known = new()
        {
            ["fp32"] = Of("fp32", row with { BitsPerWeight = 32, FileBytes = 20 << 20, Perplexity = 20, Kl = 1e-9, TopOneAgreement = 1, Generation = new(200, 1, 1), Prompt = new(100, 1, 1) }),
            ["vq:2"] = Of("vq:2", row with
            {
                BitsPerWeight = 2.061,
                FileBytes = 3 << 20,
                Perplexity = 20.9999,
                Kl = 0.03121,
                TopOneAgreement = 0.912,
                Seconds = 12,
                PeakBytes = 200 << 20,
                Generation = new(300, 1.5, 1.5),
                Prompt = new(90, 2, 0.9),
            }),
            ["vq:4"] = Of("vq:4", row with { Build = "ba9876543210", FileBytes = 4 << 20, Perplexity = double.PositiveInfinity, PeakBytes = 1 }),
            ["exact"] = Of("exact", row with { Refusal = "Its weights lie on no grid." }),
            ["int2"] = Of("int2", null, "exit code 5: The disk is full."),
        };
        return new(new("A processor", "v4", 2, "1.2.3", Build), [new(Model.Title, Model.Protocol, [.. Model.Forms.Select(form => known.GetValueOrDefault(form.Name) ?? Of(form.Name, null))])]);
    }

    static PageRow Of(string form, TableRow? row, string? failure = null) => new(Model.Forms.Single(known => known.Name == form), row is null ? null : row with { Form = form }, failure);

    static string[] Cells(string page, string form) =>
        [.. page.Split('\n').Single(line => line.StartsWith($"| {form} |", StringComparison.Ordinal)).Trim('|', ' ').Split('|', StringSplitOptions.TrimEntries)];
}
