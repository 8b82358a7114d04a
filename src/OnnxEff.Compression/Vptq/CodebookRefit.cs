namespace OnnxEff.Compression;

/// <summary>
/// The best codebook for given codes: the minimum over C of Σ ω·(w' − C[codes])·H'·(w' − C[codes])ᵀ over the rows of all matrices. Its normal
/// equations couple all k·v numbers; they are solved by conjugate gradients, preconditioned by each centroid's own block, so that no matrix
/// of that size is put up and one product with H' per step is all the cost (compression-papers 1.9, with the whole of H' for M_b).
/// </summary>
static class CodebookRefit
{
    const double Ridge = 1e-3; // of a centroid's own block: what draws one that few vectors chose to where it was

    /// <summary>Refits a codebook.</summary>
    /// <param name="coded">Problems with their codes.</param>
    /// <param name="codebook">The codebook that the codes were chosen with.</param>
    /// <param name="steps">Steps of conjugate gradients.</param>
    public static Codebook Of(IReadOnlyList<CodedProblem> coded, Codebook codebook, int steps)
    {
        var v = codebook.Length;
        var blocks = OwnBlocks(coded, codebook);
        var solution = new double[codebook.Values.Length];
        var residual = Gather(coded, codebook, (tile, quantizer, codes) => quantizer.Start(tile, codes));
        var z = Precondition(blocks, residual, v);
        var direction = (double[])z.Clone();
        var rho = Dot(residual, z);
        for (var step = 0; step < steps && rho > 0; step++)
        {
            var product = Apply(coded, direction, v, blocks);
            var curvature = Dot(direction, product);
            if (!(curvature > 0)) break;
            var alpha = rho / curvature;
            for (var i = 0; i < solution.Length; i++)
            {
                solution[i] += alpha * direction[i];
                residual[i] -= alpha * product[i];
            }
            z = Precondition(blocks, residual, v);
            var next = Dot(residual, z);
            for (var i = 0; i < direction.Length; i++) direction[i] = z[i] + next / rho * direction[i];
            rho = next;
        }
        for (var i = 0; i < solution.Length; i++) solution[i] += codebook.Values[i];
        return Codebook.Rounded(v, solution);
    }

    delegate void Fill(int tile, TileQuantizer quantizer, ReadOnlySpan<byte> codes);

    /// <summary>The curvature along a direction: what the sum of gradients becomes when the codebook itself stands for the error.</summary>
    static double[] Apply(IReadOnlyList<CodedProblem> coded, double[] direction, int v, double[] blocks)
    {
        var scale = direction.Max(Math.Abs);
        if (scale == 0) return new double[direction.Length];
        var unit = new Codebook(v, Array.ConvertAll(direction, d => (float)(d / scale)));
        var sum = Gather(coded, unit, (tile, quantizer, codes) => quantizer.StartDecoded(tile, codes));
        for (var i = 0; i < sum.Length; i++)
        {
            sum[i] *= scale;
            for (var s = 0; s < v; s++) sum[i] += Ridge * blocks[i * v + s] * direction[i / v * v + s];
        }
        return sum;
    }

    /// <summary>Σ ω·gradient over all vectors of each centroid, [k, v]; tiles are added in their order, whichever thread had them.</summary>
    static double[] Gather(IReadOnlyList<CodedProblem> coded, Codebook codebook, Fill fill)
    {
        var (v, sum) = (codebook.Length, new double[codebook.Values.Length]);
        foreach (var one in coded)
        {
            var problem = one.Problem;
            var parts = new double[problem.TileCount][];
            var rounding = new CodebookRounding(problem, codebook);
            Workers.For(problem.TileCount, () => new TileQuantizer(problem, rounding), (tile, quantizer) =>
            {
                var codes = one.Tile(tile);
                fill(tile, quantizer, codes);
                var part = parts[tile] = new double[sum.Length];
                for (var block = 0; block < problem.Blocks; block++)
                    for (var row = 0; row < RowTile.Rows; row++)
                        for (var t = 0; t < v; t++)
                            part[codes[block * RowTile.Rows + row] * v + t] += (double)problem.RowWeights[tile * RowTile.Rows + row]
                                * quantizer.Gradient[(block * v + t) * RowTile.Rows + row];
            });
            foreach (var part in parts)
                for (var i = 0; i < sum.Length; i++) sum[i] += part[i];
        }
        return sum;
    }

    /// <summary>Σ ω·H'_bb over the vectors of each centroid, [k, v, v].</summary>
    static double[] OwnBlocks(IReadOnlyList<CodedProblem> coded, Codebook codebook)
    {
        var v = codebook.Length;
        var blocks = new double[codebook.Centroids * v * v];
        foreach (var one in coded)
        {
            var problem = one.Problem;
            for (var block = 0; block < problem.Blocks; block++)
            {
                var weights = new double[codebook.Centroids];
                for (var row = 0; row < problem.TileCount * RowTile.Rows; row++)
                    weights[one.Tile(row / RowTile.Rows)[block * RowTile.Rows + row % RowTile.Rows]] += problem.RowWeights[row];
                for (var c = 0; c < weights.Length; c++)
                    for (var s = 0; s < v; s++)
                        for (var t = 0; t < v; t++)
                            blocks[(c * v + s) * v + t] += weights[c] * problem.Moment[(block * v + s) * problem.Columns + block * v + t];
            }
        }
        return blocks;
    }

    static double[] Precondition(double[] blocks, double[] residual, int v)
    {
        var z = (double[])residual.Clone();
        for (var c = 0; c < residual.Length / v; c++)
        {
            var own = blocks.AsSpan(c * v * v, v * v).ToArray();
            for (var t = 0; t < v; t++) own[t * v + t] *= 1 + Ridge;
            var at = z.AsSpan(c * v, v);
            if (own[0] > 0 && Cholesky.FactorLower(own, v)) Cholesky.Solve(own, v, at);
            else at.Clear(); // Nobody chose it: it stays.
        }
        return z;
    }

    static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
