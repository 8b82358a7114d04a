using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>How a rule fared at one candidate.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="RootName">The node at which the pattern would be rooted.</param>
/// <param name="Depth">Number of nodes that matched; of several tries the deepest is kept.</param>
/// <param name="NodeName">The node at which it ended.</param>
/// <param name="Sentence">Why it ended there; empty if the rule was applied.</param>
public sealed record TraceEntry(string Rule, string RootName, int Depth, string NodeName, string Sentence)
{
    /// <summary>True if the rule was applied.</summary>
    public bool IsApplied => Sentence.Length == 0;
}

/// <summary>Records for each candidate how far each rule came. Costs time; production runs have none.</summary>
public sealed class RewriteTrace
{
    readonly Dictionary<(string Rule, string Root), TraceEntry> _entries = [];

    /// <summary>Rules to record; null records all.</summary>
    public IReadOnlySet<string>? Only { get; init; }

    /// <summary>What was recorded, in the order of the first try.</summary>
    public IReadOnlyCollection<TraceEntry> Entries => _entries.Values;

    /// <summary>The failed candidates, those which came farthest first.</summary>
    public IEnumerable<TraceEntry> NearMisses => Entries.Where(e => !e.IsApplied).OrderByDescending(e => e.Depth);

    /// <summary>Adds an entry; of several for one candidate an applied one, then the deepest one stays.</summary>
    public void Add(TraceEntry entry)
    {
        if (Only?.Contains(entry.Rule) == false)
            return;
        var key = (entry.Rule, entry.RootName);
        if (!_entries.TryGetValue(key, out var known) || entry.IsApplied || (!known.IsApplied && entry.Depth > known.Depth))
            _entries[key] = entry;
    }

    internal void Failed(RewriteRule rule, Value root, MatchFailure? failure, Refusal? refusal)
    {
        // A rule whose pattern was found ended at its guard, which is deeper than any node.
        var name = Match.NameOf(root.Producer!);
        if (refusal is not null)
            Add(new TraceEntry(rule.Name, name, int.MaxValue, refusal.NodeName, refusal.Sentence));
        else if (failure is { Depth: > 0 })
            Add(new TraceEntry(rule.Name, name, failure.Depth, failure.NodeName, failure.Sentence));
    }

    internal void Applied(RewriteRule rule, Match match) =>
        Add(new TraceEntry(rule.Name, Match.NameOf(match.RootValues[0].Producer!), match.Nodes.Count(), "", ""));
}
