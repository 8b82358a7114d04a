namespace OnnxEff.Compression;

/// <summary>
/// Which of two rates each site takes, so that the model has a given mean: the higher one goes where it takes most loss away for its bits. Of a site that
/// was not looked at, others of its shape tell.
/// </summary>
static class VqRateChoice
{
    /// <summary>True for sites that take the higher rate.</summary>
    /// <param name="sites">All sites.</param>
    /// <param name="gains">Loss that the higher rate takes away, of the sites that were looked at.</param>
    /// <param name="share">The share of weights that can have it.</param>
    public static bool[] Of(IReadOnlyList<LinearSite> sites, IReadOnlyDictionary<LinearSite, double> gains, double share)
    {
        double Gain(LinearSite site) => gains.TryGetValue(site, out var own) ? own
            : gains.Where(g => g.Key.Inputs == site.Inputs && g.Key.Outputs == site.Outputs).Select(g => g.Value).DefaultIfEmpty(0).Average();
        var chosen = new bool[sites.Count];
        var budget = share * sites.Sum(site => site.Weights);
        foreach (var index in Enumerable.Range(0, sites.Count).OrderByDescending(i => Gain(sites[i]) / sites[i].Weights).ThenBy(i => i))
        {
            if (sites[index].Weights > budget) continue;
            chosen[index] = true;
            budget -= sites[index].Weights;
        }
        return chosen;
    }
}
