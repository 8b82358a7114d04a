using OnnxEff.Cli.Diff;
using OnnxEff.Cli.Html;

namespace OnnxEff.Cli.Json;

/// <summary>The result of <c>diff --json</c>.</summary>
sealed record DiffJson(bool Same, string Verdict, SizeJson Before, SizeJson After, bool SameInputsAndOutputs, WeightChange Weights, DiffSectionJson[] Sections)
{
    public static DiffJson Of(ModelDiff diff) => new(
        diff.IsSame, diff.Verdict, SizeJson.Of(diff.Before.Size), SizeJson.Of(diff.After.Size), diff.HasSamePorts, diff.Weights,
        [.. diff.Groups.Select(group => new DiffSectionJson(
            PageSections.Title(group), Layers(group, pair => pair.Before), Layers(group, pair => pair.After),
            group.First.Before?.Size ?? 0, group.First.After?.Size ?? 0, group.IsSame))]);

    static int[] Layers(PairGroup group, Func<SectionPair, Section?> side) =>
        [.. group.Pairs.Select(side).OfType<Section>().Where(section => section.Kind == SectionKind.Layer).Select(section => section.Index)];
}

/// <summary>Alike sections.</summary>
/// <param name="Title">What they are.</param>
/// <param name="LayersBefore">Layers of the first file that they are; empty for what is no layer.</param>
/// <param name="LayersAfter">Layers of the second file.</param>
/// <param name="NodesBefore">Nodes of each in the first file.</param>
/// <param name="NodesAfter">Nodes of each in the second file.</param>
/// <param name="Same">True where nothing differs in their operators and wiring.</param>
sealed record DiffSectionJson(string Title, int[] LayersBefore, int[] LayersAfter, int NodesBefore, int NodesAfter, bool Same);
