using OnnxEff.Ir;

namespace OnnxEff.Rewriting;

/// <summary>Starts rules: <c>Rewrite.Named("fuse-x").Match(…).Requires(…).To(…)</c>.</summary>
public static class Rewrite
{
    /// <summary>A rule without a pattern yet; the name is kebab-case and unique.</summary>
    public static RuleDraft Named(string name) => new(name, [], [], [], [], keepsAll: false);
}

/// <summary>A rule that lacks its replacement.</summary>
public sealed class RuleDraft
{
    readonly string _name;
    readonly Pattern[] _roots;
    readonly Guard[] _conditions;
    readonly Guard[] _guards;
    readonly Var[] _kept;
    readonly bool _keepsAll;

    internal RuleDraft(string name, Pattern[] roots, Guard[] conditions, Guard[] guards, Var[] kept, bool keepsAll) =>
        (_name, _roots, _conditions, _guards, _kept, _keepsAll) = (name, roots, conditions, guards, kept, keepsAll);

    /// <summary>
    /// What to look for. Further patterns are further values to replace; each must share a capture with those before it:
    /// a value they bind, or an operand.
    /// </summary>
    public RuleDraft Match(params Pattern[] roots) => new(_name, roots, _conditions, _guards, _kept, _keepsAll);

    /// <summary>A condition that belongs to what the rule looks for: a match without it is something else, and no refusal.</summary>
    public RuleDraft When(Func<Match, bool> holds, string because = "it is something else by its shapes or types") =>
        new(_name, _roots, [.. _conditions, new Guard(holds, because)], _guards, _kept, _keepsAll);

    /// <summary>A condition, with the sentence shown where it does not hold.</summary>
    public RuleDraft Requires(Func<Match, bool> holds, string because) => Requires(new Guard(holds, because));

    /// <summary>Conditions that rules share.</summary>
    public RuleDraft Requires(params Guard[] guards) => new(_name, _roots, _conditions, [.. _guards, .. guards], _kept, _keepsAll);

    /// <summary>Inner values that may have other users; they stay.</summary>
    public RuleDraft Keeps(params Var[] values) => new(_name, _roots, _conditions, _guards, [.. _kept, .. values], _keepsAll);

    /// <summary>All inner values may have other users; they stay, and the root is computed in the new way beside them.</summary>
    public RuleDraft KeepsInner() => new(_name, _roots, _conditions, _guards, _kept, keepsAll: true);

    /// <summary>The replacement of the one root.</summary>
    public RewriteRule To(Func<PatchBuilder, Wire> build) => To(m => (Wire[])[build(m)]);

    /// <summary>The replacements of all roots, in order.</summary>
    public RewriteRule To(Func<PatchBuilder, Wire[]> build) => new(_name, _roots, _conditions, _guards, _kept, _keepsAll, build);
}

/// <summary>A rewrite: patterns, conditions and what to put in their place. Immutable.</summary>
public sealed class RewriteRule
{
    readonly Pattern[] _roots;
    readonly Guard[] _conditions;
    readonly Guard[] _guards;
    readonly Var[] _kept;
    readonly bool _keepsAll;
    readonly Func<PatchBuilder, Wire[]> _build;

    internal RewriteRule(string name, Pattern[] roots, Guard[] conditions, Guard[] guards, Var[] kept, bool keepsAll, Func<PatchBuilder, Wire[]> build)
    {
        if (roots.Length == 0)
            throw new ArgumentException($"Rule '{name}' has no pattern.", nameof(roots));
        (Name, _roots, _conditions, _guards, _kept, _keepsAll, _build) = (name, roots, conditions, guards, kept, keepsAll, build);
    }

    /// <summary>The unique kebab-case name.</summary>
    public string Name { get; }

    /// <summary>Operators (as <c>domain.op</c>) of which one makes the first root; null if any can.</summary>
    internal IEnumerable<string>? RootOps => _roots[0].RootOps;

    internal int Depth => _roots.Max(r => r.Depth);

    /// <summary>Tries the rule at a value without changing anything.</summary>
    /// <param name="root">The value at which the first pattern would be rooted.</param>
    /// <param name="trace">Where to note how far the match came, or null.</param>
    /// <param name="refusal">Why the rule does not apply, although its pattern was found.</param>
    internal Match? Find(Value root, RewriteTrace? trace, out Refusal? refusal)
    {
        refusal = null;
        string? sentence = null;
        Node? culprit = null;
        if (trace is null && !_roots[0].CouldMatch(root))
            return null;
        var match = new Match { Explains = trace is not null, Accepts = Accept };
        match.RootValues.Add(root);
        if (_roots[0].Solve(match, root, null))
            return match;
        if (sentence is not null)
            refusal = new Refusal(Name, Ir(culprit!), sentence);
        trace?.Failed(this, root, match.Deepest, refusal);
        return null;

        bool Accept(Match m)
        {
            if (m.RootValues.Count < _roots.Length)
                return AcceptNextRoot(m);
            if (Array.Find(_conditions, c => !c.Holds(m)) is { } missing)
                return m.Explains && m.Fails(root, missing.Because);
            var (why, where) = Objection(m);
            if (why is null)
                return true;
            (sentence, culprit) = (why, where ?? root.Producer!);
            return false;
        }
        bool AcceptNextRoot(Match m)
        {
            var pattern = _roots[m.RootValues.Count];
            foreach (var candidate in SecondRoots.Of(pattern, m))
            {
                m.RootValues.Add(candidate);
                if (pattern.Solve(m, candidate, null))
                    return true;
                m.RootValues.RemoveAt(m.RootValues.Count - 1);
            }
            return m.Explains && m.Fails(root, "the other value that belongs to it is not there");
        }
        static string Ir(Node node) => Rewriting.Match.NameOf(node);
    }

    /// <summary>Applies a match that <see cref="Find"/> gave.</summary>
    internal (List<Node> Added, List<Value> Changed) Apply(Match match)
    {
        var plan = new PatchBuilder(match);
        try
        {
            return GraphPatch.Apply(plan, match.RootValues, _build(plan));
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException or ArgumentException)
        {
            throw new InvalidOperationException(
                $"Rule '{Name}' at node '{Rewriting.Match.NameOf(match.RootValues[0].Producer!)}': {e.Message}", e);
        }
    }

    (string? Sentence, Node? Where) Objection(Match match)
    {
        foreach (var guard in _guards)
        {
            if (!guard.Holds(match))
                return (guard.Because, null);
        }
        if (_keepsAll)
            return default;
        foreach (var node in match.InnerNodes)
        {
            foreach (var output in node.Outputs)
            {
                if (IsNeededElsewhere(output, match))
                    return ($"the inner value '{output.Name}' has another user", node);
            }
        }
        return default;
    }

    bool IsNeededElsewhere(Value value, Match match)
    {
        if (match.RootValues.Exists(r => ReferenceEquals(r, value)) || Array.Exists(_kept, k => ReferenceEquals(match.Find(k), value)))
            return false;
        if (value.IsOutput)
            return true;
        foreach (var use in value.Uses)
        {
            if (!match.Covers(use.Node) && !(use.Node.Outputs.Count > 0 && Replacement.IsUnused(use.Node)))
                return true;
        }
        return false;
    }
}

/// <summary>Finds where the further patterns of a rule with several roots can be rooted.</summary>
static class SecondRoots
{
    public static IEnumerable<Value> Of(Pattern pattern, Match match)
    {
        if (pattern is Var capture)
            return match.TryGet(capture, out var bound) ? [bound] : [];
        var ops = pattern.RootOps?.ToHashSet();
        return pattern.NearCaptures.Where(match.Has).Select(c => match[c])
            .SelectMany(v => v.Uses.Select(u => u.Node).Append(v.Producer!))
            .Where(n => n is not null && (ops is null || ops.Contains($"{n.Domain}.{n.OpType}")))
            .SelectMany(n => n.Outputs).Where(o => o.Name.Length > 0)
            .Distinct().Where(o => !match.RootValues.Contains(o)).ToArray();
    }
}
