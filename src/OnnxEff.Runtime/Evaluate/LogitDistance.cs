namespace OnnxEff.Runtime;

/// <summary>How far apart two models' predictions are, over positions.</summary>
/// <param name="Positions">Positions compared.</param>
/// <param name="MeanKl">Mean Kullback-Leibler divergence of the second's distribution from the first's, in nats.</param>
/// <param name="MaxKl">The largest divergence of a position.</param>
/// <param name="TopOneAgreement">The share of positions where both find the same token most probable.</param>
public sealed record LogitDistance(int Positions, double MeanKl, double MaxKl, double TopOneAgreement);

/// <summary>Adds up distances position by position.</summary>
public sealed class LogitDistanceMeter
{
    int positions, agreements;
    double sum, max;

    /// <summary>The distance over all positions so far.</summary>
    public LogitDistance Result => new(positions, positions == 0 ? 0 : sum / positions, max,
        positions == 0 ? 1 : (double)agreements / positions);

    /// <summary>Adds a position.</summary>
    /// <param name="first">Logits of the model that is right by definition.</param>
    /// <param name="second">Logits of the other.</param>
    public void Add(ReadOnlySpan<float> first, ReadOnlySpan<float> second)
    {
        var (logFirst, logSecond) = (LogSumExp(first), LogSumExp(second));
        double divergence = 0;
        for (var i = 0; i < first.Length; i++)
        {
            var logP = first[i] - logFirst;
            var p = Math.Exp(logP);
            if (p > 0) divergence += p * (logP - (second[i] - logSecond));
        }
        positions++;
        sum += Math.Max(0, divergence); // rounding can bring it below zero
        max = double.IsNaN(divergence) ? double.NaN : Math.Max(max, divergence);
        if (LlmLogits.IndexOfMax(first) == LlmLogits.IndexOfMax(second)) agreements++;
    }

    /// <summary>ln Σ exp(xᵢ), in double precision.</summary>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        double max = logits[LlmLogits.IndexOfMax(logits)], total = 0;
        foreach (var logit in logits) total += Math.Exp(logit - max);
        return max + Math.Log(total);
    }
}
