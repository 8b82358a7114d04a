using System.Collections.Frozen;
using OnnxEff.Ir.Shapes.Rules;

namespace OnnxEff.Ir.Shapes;

/// <summary>Sets the types, and where known the elements, of a node's outputs from those of its inputs.</summary>
public delegate void ShapeRule(ShapeContext context);

/// <summary>Which rule applies to which operator. Immutable; other operator domains add theirs with <see cref="With"/>.</summary>
public sealed class ShapeRules
{
    readonly FrozenDictionary<(string Domain, string OpType), ShapeRule> _rules;

    ShapeRules(IEnumerable<KeyValuePair<(string, string), ShapeRule>> rules) => _rules = rules.ToFrozenDictionary();

    /// <summary>The operators of standard ONNX and of <c>com.microsoft</c>.</summary>
    public static ShapeRules Standard { get; } = new ShapeRules([])
        .With("", ElementwiseRules.All)
        .With("", ShapeRulesOfShapes.All)
        .With("", SelectionRules.All)
        .With("", GeneratorRules.All)
        .With("", ReductionRules.All)
        .With("", ProductRules.All)
        .With("", NormalizationRules.All)
        .With("", AttentionRules.All)
        .With("", ControlFlowRules.All)
        .With("ai.onnx.preview", AttentionRules.Preview)
        .With("com.microsoft", ContribRules.All)
        .With("com.microsoft", ContribAttentionRules.All);

    /// <summary>These rules and more; a rule for an operator that has one replaces it.</summary>
    /// <param name="domain">The operators' domain.</param>
    /// <param name="rules">Operator type and rule.</param>
    public ShapeRules With(string domain, IEnumerable<(string OpType, ShapeRule Rule)> rules)
    {
        var merged = _rules.ToDictionary();
        foreach (var (opType, rule) in rules)
            merged[(domain, opType)] = rule;
        return new ShapeRules(merged);
    }

    /// <summary>The rule of an operator, or null.</summary>
    public ShapeRule? Find(string domain, string opType) => _rules.GetValueOrDefault((domain == "ai.onnx" ? "" : domain, opType));
}
