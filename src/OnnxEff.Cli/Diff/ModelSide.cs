using OnnxEff.GraphPasses;
using OnnxEff.Ir;
using OnnxEff.Ir.Shapes;

namespace OnnxEff.Cli.Diff;

/// <summary>An input or output of a model, as its file declares it.</summary>
sealed record Port(string Name, string Type);

/// <summary>One of two models that are compared.</summary>
/// <param name="Title">What to call it: the file's name.</param>
/// <param name="Model">The model.</param>
/// <param name="FileBytes">Bytes of its file with its data; null if there is no file.</param>
/// <param name="Inputs">Inputs that a caller gives.</param>
/// <param name="Outputs">Outputs.</param>
/// <param name="Size">Sizes.</param>
/// <param name="Sections">Its parts.</param>
sealed record ModelSide(string Title, Model Model, long? FileBytes, IReadOnlyList<Port> Inputs, IReadOnlyList<Port> Outputs, ModelSize Size,
    IReadOnlyList<Section> Sections)
{
    /// <summary>Looks at a model. Types of its values are filled in where they follow.</summary>
    public static ModelSide Of(string title, Model model, long? fileBytes)
    {
        Port[] inputs = [.. model.Graph.Inputs.Where(input => input.Initializer is null).Select(PortOf)];
        Port[] outputs = [.. model.Graph.Outputs.Select(PortOf)];
        var size = ModelMeasure.Of(model);
        ShapeInference.Run(model);
        return new(title, model, fileBytes, inputs, outputs, size, LayerCut.Of(model.Graph));
    }

    /// <summary>Its layers.</summary>
    public IEnumerable<Section> Layers => Sections.Where(section => section.Kind == SectionKind.Layer);

    /// <summary>The same, not cut into layers.</summary>
    public ModelSide Uncut => this with { Sections = Sections.Count == 0 ? [] : [new(SectionKind.Whole, 0, [.. Model.Graph.Nodes])] };

    static Port PortOf(Value value) => new(value.Name, value.Type?.ToString() ?? "");
}
