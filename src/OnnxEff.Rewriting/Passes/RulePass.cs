using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>A set of rules as a pass. Shapes are known to the guards.</summary>
public abstract class RulePass : GraphPass
{
    readonly RuleSet _rules;

    /// <summary>A pass over rules; earlier rules are tried first.</summary>
    protected RulePass(params IReadOnlyList<RewriteRule> rules) => (Rules, _rules) = (rules, new RuleSet(rules));

    /// <summary>The rules.</summary>
    public IReadOnlyList<RewriteRule> Rules { get; }

    /// <summary>Tries the rules at some values without changing anything; gives the one that came farthest, null if none began.</summary>
    public TraceEntry? NearestMiss(IEnumerable<Value> roots)
    {
        var trace = new RewriteTrace();
        foreach (var root in roots)
            _rules.Try(root, trace);
        return trace.NearMisses.FirstOrDefault();
    }

    /// <inheritdoc/>
    public override PassResult Run(PassContext context)
    {
        _ = context.Shapes; // Writes the types that guards look at.
        var summary = _rules.Apply(context.Model.Graph, context.Trace);
        foreach (var refusal in summary.Refusals)
            context.Refuse(refusal);
        return new PassResult(summary.Applied, summary.KeepsTypes);
    }
}
