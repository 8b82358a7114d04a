namespace OnnxEff.Compression;

/// <summary>A site with what is known of it.</summary>
/// <param name="Site">The products.</param>
/// <param name="Weight">What their weights should be, [N, K].</param>
/// <param name="Moment">The second moment of the inputs by tokens, [K, K].</param>
/// <param name="Tokens">Tokens that it was taken over.</param>
public sealed record SiteData(LinearSite Site, float[] Weight, float[] Moment, long Tokens)
{
    /// <summary>
    /// What is added to the diagonal of the moment, by its mean: GPTQ's and VPTQ's 1 %, and ten times that where there are fewer tokens than inputs, so
    /// that the text says nothing of some directions.
    /// </summary>
    public double Damping => Tokens >= Site.Inputs ? 0.01 : 0.1;
}

/// <summary>A way to store linear layers in few bits.</summary>
public abstract class SiteQuantizer
{
    /// <summary>All settings in words: what results depend on.</summary>
    public abstract string Settings { get; }

    /// <summary>Bits a weight of such a site will take, side data included.</summary>
    public abstract double BitsOf(LinearSite site);

    /// <summary>True if something is to be fitted to many matrices before the first is stored.</summary>
    public virtual bool NeedsFit => false;

    /// <summary>Fits what matrices share.</summary>
    /// <param name="sites">All matrices, or enough of them.</param>
    /// <param name="all">All sites of the model.</param>
    /// <param name="progress">Told what is going on.</param>
    public virtual void Fit(IReadOnlyList<SiteData> sites, IReadOnlyList<LinearSite> all, IProgress<string>? progress)
    {
    }

    /// <summary>What was fitted, for a later run.</summary>
    public virtual byte[] SaveFit() => [];

    /// <summary>Takes what an earlier run fitted.</summary>
    public virtual void LoadFit(byte[] fit)
    {
    }

    /// <summary>Why a product cannot be stored so, or null.</summary>
    public virtual string? Refusal(ConstantLinear linear) => null;

    /// <summary>Stores the products of a site.</summary>
    /// <param name="index">Which site of the model.</param>
    /// <param name="data">The site.</param>
    public abstract StoredLinear[] Quantize(int index, SiteData data);

    /// <summary>The dense weight [N, K] that a stored layer multiplies with.</summary>
    public abstract float[] Decode(StoredLinear stored);

    /// <summary>tr(ΔW·S·ΔWᵀ) / tr(W·S·Wᵀ) of some rows of a site.</summary>
    private protected static double Error(SiteData data, int firstRow, float[] decoded)
    {
        var k = data.Site.Inputs;
        var weight = data.Weight.AsSpan(firstRow * k, decoded.Length).ToArray();
        var difference = new float[decoded.Length];
        for (var i = 0; i < difference.Length; i++) difference[i] = weight[i] - decoded[i];
        var (error, energy) = (Energy(difference, k, data.Moment), Energy(weight, k, data.Moment));
        return energy > 0 ? error / energy : 0;
    }

    static double Energy(float[] weight, int k, float[] moment)
    {
        var rows = weight.Length / k;
        var tiles = RowTile.Of(weight, rows, k);
        var parts = new double[RowTile.Count(rows)];
        Workers.For(parts.Length, () => new float[k * RowTile.Rows], (tile, product) =>
        {
            var x = tiles.AsSpan(tile * k * RowTile.Rows, k * RowTile.Rows);
            RowTile.Multiply(x, moment, k, product);
            for (var i = 0; i < x.Length; i++) parts[tile] += (double)x[i] * product[i];
        });
        return parts.Sum();
    }
}
