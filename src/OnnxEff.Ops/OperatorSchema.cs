using OnnxEff.Ir;

namespace OnnxEff.Ops;

/// <summary>The element types that one letter of a declaration stands for, as <c>T ∈ {Float, Float16}</c>.</summary>
/// <param name="Name">The letter that <see cref="ParameterSchema.Type"/> refers to.</param>
/// <param name="Kinds">The types it may be; all parameters with this letter have the same one in a node.</param>
public sealed record TypeVariable(string Name, params ElementType[] Kinds);

/// <summary>One input or output of an operator.</summary>
/// <param name="Name">Name as in the documentation.</param>
/// <param name="Type">Name of a <see cref="TypeVariable"/> of the same operator.</param>
/// <param name="Axes">Named axes, slowest first, as <c>"B, Hkv, T, D"</c>; empty for a scalar.</param>
/// <param name="Documentation">What the tensor means.</param>
/// <param name="Optional">True when a node may leave it out.</param>
public sealed record ParameterSchema(string Name, string Type, string Axes, string Documentation, bool Optional = false);

/// <summary>One attribute of an operator: an integer or a float.</summary>
/// <param name="Name">Name in the node.</param>
/// <param name="Kind"><see cref="ElementType.Int64"/> or <see cref="ElementType.Float32"/>.</param>
/// <param name="Default">Value of a node without the attribute; null when it is required.</param>
/// <param name="Documentation">What it means.</param>
public sealed record AttributeSchema(string Name, ElementType Kind, double? Default, string Documentation);

/// <summary>
/// The declaration of an operator. Registration with ONNX Runtime, documentation and tests read it; nothing else
/// repeats it.
/// </summary>
/// <param name="Name">Operator type in a node.</param>
/// <param name="Since">First version of the domain with this form.</param>
/// <param name="Documentation">What the operator computes.</param>
public sealed record OperatorSchema(string Name, int Since, string Documentation)
{
    /// <summary>Type letters used by inputs and outputs.</summary>
    public required TypeVariable[] Types { get; init; }

    /// <summary>Inputs in order.</summary>
    public required ParameterSchema[] Inputs { get; init; }

    /// <summary>Outputs in order.</summary>
    public required ParameterSchema[] Outputs { get; init; }

    /// <summary>Attributes in any order.</summary>
    public required AttributeSchema[] Attributes { get; init; }

    /// <summary>The attribute of that name.</summary>
    /// <exception cref="ArgumentException">The operator has no such attribute.</exception>
    public AttributeSchema Attribute(string name) =>
        Attributes.FirstOrDefault(a => a.Name == name)
        ?? throw new ArgumentException($"Operator '{Name}' declares no attribute '{name}'.", nameof(name));

    /// <summary>Every choice of one element type per type variable, in the order of the declaration.</summary>
    public IEnumerable<ElementType[]> TypeAssignments()
    {
        IEnumerable<ElementType[]> assignments = [[]];
        foreach (TypeVariable variable in Types)
            assignments = assignments.SelectMany(_ => variable.Kinds, (head, kind) => (ElementType[])[.. head, kind]);
        return assignments;
    }

    /// <summary>The element type of a parameter under one of <see cref="TypeAssignments"/>.</summary>
    public ElementType KindOf(ParameterSchema parameter, ElementType[] assignment) =>
        assignment[Array.FindIndex(Types, t => t.Name == parameter.Type)];
}
