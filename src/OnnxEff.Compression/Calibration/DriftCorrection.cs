namespace OnnxEff.Compression;

/// <summary>
/// What a weight should be when the layers before it are quantised already and its inputs have drifted from x to x̂: the W̃ for which Σ ‖W̃·x̂ − W·x‖² is
/// least, W̃ = W + W·(Σ x·x̂ᵀ − Ŝ)·(Ŝ + λ)⁻¹. What it is quantised to then makes up for errors of earlier layers too.
/// </summary>
static class DriftCorrection
{
    const double Damping = 0.03; // of the mean of the diagonal: a text says little of directions in which inputs hardly vary

    /// <summary>W̃.</summary>
    /// <param name="weight">W [N, K].</param>
    /// <param name="moment">Ŝ of the drifted inputs [K, K].</param>
    /// <param name="cross">Σ x̂·xᵀ [K, K].</param>
    /// <param name="k">K.</param>
    public static float[] Of(float[] weight, float[] moment, float[] cross, int k)
    {
        var factor = Array.ConvertAll(moment, m => (double)m);
        double trace = 0;
        for (var i = 0; i < k; i++) trace += factor[i * k + i];
        if (trace == 0) return weight; // Inputs that are always zero.
        for (var i = 0; i < k; i++) factor[i * k + i] += Damping * trace / k;
        if (!Cholesky.FactorLower(factor, k)) throw new InvalidDataException("The second moment of a product's inputs is not positive definite, although it is damped.");
        var solver = TileSolver.Of(factor, k);
        var drift = new float[k * k];
        for (var i = 0; i < drift.Length; i++) drift[i] = cross[i] - moment[i];

        var (rows, size) = (weight.Length / k, k * RowTile.Rows);
        var tiles = RowTile.Of(weight, rows, k);
        var corrected = new float[weight.Length];
        Workers.For(RowTile.Count(rows), () => new float[size], (tile, change) =>
        {
            var own = tiles.AsSpan(tile * size, size);
            RowTile.Multiply(own, drift, k, change);
            solver.Solve(change);
            for (var i = 0; i < size; i++) own[i] += change[i];
            RowTile.ToRows(own, corrected, tile, k);
        });
        return corrected;
    }
}
