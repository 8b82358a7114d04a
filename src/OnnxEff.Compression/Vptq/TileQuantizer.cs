namespace OnnxEff.Compression;

/// <summary>
/// Chooses the codes of one tile of rows. First block after block, the error of each handed on to the later ones (GPTQ's error propagation with vectors,
/// compression-papers 1.1 step G); then, as often as asked, each block anew with all others as they are (coordinate descent on
/// tr((W' − Q)·H'·(W' − Q)ᵀ), which never makes it worse). An instance belongs to one thread at a time.
/// </summary>
sealed class TileQuantizer
{
    const int Rows = RowTile.Rows;

    readonly ScaledProblem _problem;
    readonly Codebook _codebook;
    readonly float[] _work;     // [K, 32]: what the remaining columns should be; then W' − Q
    readonly float[] _gradient; // [K, 32]: (W' − Q)·H'
    readonly float[] _vector;   // [v, 32]
    readonly float[] _change;   // [v, 32]
    readonly int[] _nearest = new int[Rows];

    /// <summary>Scratch for tiles of a problem.</summary>
    public TileQuantizer(ScaledProblem problem, Codebook codebook)
    {
        (_problem, _codebook) = (problem, codebook);
        (_work, _gradient) = (new float[problem.Columns * Rows], new float[problem.Columns * Rows]);
        (_vector, _change) = (new float[problem.Length * Rows], new float[problem.Length * Rows]);
    }

    /// <summary>W' − Q of the tile last worked on, [K, 32].</summary>
    public ReadOnlySpan<float> Error => _work;

    /// <summary>(W' − Q)·H' of the tile last worked on, [K, 32].</summary>
    public ReadOnlySpan<float> Gradient => _gradient;

    /// <summary>Error propagation.</summary>
    /// <param name="tile">Which tile.</param>
    /// <param name="tables">The codebook in the metrics of error propagation.</param>
    /// <param name="codes">[G, 32], blocks in the order of the work.</param>
    public void Propagate(int tile, CentroidTables tables, Span<byte> codes)
    {
        var (v, columns) = (_problem.Length, _problem.Columns);
        var original = _problem.Tile(tile);
        original.CopyTo(_work);
        for (var block = 0; block < _problem.Blocks; block++)
        {
            var at = block * v * Rows;
            Transform(_work.AsSpan(at, v * Rows), _problem.Metrics.AsSpan(block * v * v, v * v), _vector);
            tables.Nearest(block, _vector, _nearest);
            for (var row = 0; row < Rows; row++)
            {
                codes[block * Rows + row] = (byte)_nearest[row];
                for (var t = 0; t < v; t++) _change[t * Rows + row] = original[at + t * Rows + row] - _codebook.Values[_nearest[row] * v + t];
            }
            RowTile.Add(_work, _change, _problem.Feedback.AsSpan(block * v * columns, v * columns), columns, (block + 1) * v, columns);
        }
    }

    /// <summary>Sets error and gradient to those of given codes.</summary>
    public void Start(int tile, ReadOnlySpan<byte> codes)
    {
        var v = _problem.Length;
        var original = _problem.Tile(tile);
        for (var block = 0; block < _problem.Blocks; block++)
            for (var t = 0; t < v; t++)
                for (var row = 0; row < Rows; row++)
                {
                    var at = (block * v + t) * Rows + row;
                    _work[at] = original[at] - _codebook.Values[codes[block * Rows + row] * v + t];
                }
        RowTile.Multiply(_work, _problem.Moment, _problem.Columns, _gradient);
    }

    /// <summary>Sets the error to what given codes decode to, and the gradient to its product with H'.</summary>
    public void StartDecoded(ReadOnlySpan<byte> codes)
    {
        var v = _problem.Length;
        for (var block = 0; block < _problem.Blocks; block++)
            for (var t = 0; t < v; t++)
                for (var row = 0; row < Rows; row++)
                    _work[(block * v + t) * Rows + row] = _codebook.Values[codes[block * Rows + row] * v + t];
        RowTile.Multiply(_work, _problem.Moment, _problem.Columns, _gradient);
    }

    /// <summary>One sweep of coordinate descent after <see cref="Start"/>.</summary>
    /// <param name="tables">The codebook in the blocks' own metrics.</param>
    /// <param name="codes">[G, 32].</param>
    /// <returns>Codes that changed.</returns>
    public int Sweep(CentroidTables tables, Span<byte> codes)
    {
        var (v, columns, changed) = (_problem.Length, _problem.Columns, 0);
        Span<float> q = stackalloc float[v * Rows];
        for (var block = 0; block < _problem.Blocks; block++)
        {
            var at = block * v * Rows;
            for (var row = 0; row < Rows; row++)
                for (var t = 0; t < v; t++) q[t * Rows + row] = _codebook.Values[codes[block * Rows + row] * v + t];
            Transform(q, _problem.OwnMetrics.AsSpan(block * v * v, v * v), _vector);
            AddTransformed(_gradient.AsSpan(at, v * Rows), _problem.OwnInverses.AsSpan(block * v * v, v * v), _vector);
            tables.Nearest(block, _vector, _nearest);
            var before = changed;
            for (var row = 0; row < Rows; row++)
            {
                if (codes[block * Rows + row] != _nearest[row]) changed++;
                codes[block * Rows + row] = (byte)_nearest[row];
                for (var t = 0; t < v; t++)
                {
                    var change = q[t * Rows + row] - _codebook.Values[_nearest[row] * v + t];
                    _change[t * Rows + row] = change;
                    _work[at + t * Rows + row] += change;
                }
            }
            if (changed > before) RowTile.Add(_gradient, _change, _problem.Moment.AsSpan(block * v * columns, v * columns), columns, 0, columns);
        }
        return changed;
    }

    /// <summary>The weighted loss of the tile after <see cref="Start"/> and sweeps.</summary>
    public double Loss(int tile)
    {
        double loss = 0;
        for (var row = 0; row < Rows; row++)
        {
            double sum = 0;
            for (var at = row; at < _work.Length; at += Rows) sum += _work[at] * _gradient[at];
            loss += sum * _problem.RowWeights[tile * Rows + row];
        }
        return loss;
    }

    // y[t] = Σ_s x[s]·m[s, t] over s ≤ t
    static void Transform(ReadOnlySpan<float> x, ReadOnlySpan<float> upper, Span<float> y)
    {
        var v = x.Length / Rows;
        for (var t = 0; t < v; t++)
            for (var row = 0; row < Rows; row++)
            {
                float sum = 0;
                for (var s = 0; s <= t; s++) sum += x[s * Rows + row] * upper[s * v + t];
                y[t * Rows + row] = sum;
            }
    }

    // y[t] += Σ_s x[s]·m[s, t] over s ≥ t
    static void AddTransformed(ReadOnlySpan<float> x, ReadOnlySpan<float> lower, Span<float> y)
    {
        var v = x.Length / Rows;
        for (var t = 0; t < v; t++)
            for (var row = 0; row < Rows; row++)
            {
                var sum = y[t * Rows + row];
                for (var s = t; s < v; s++) sum += x[s * Rows + row] * lower[s * v + t];
                y[t * Rows + row] = sum;
            }
    }
}
