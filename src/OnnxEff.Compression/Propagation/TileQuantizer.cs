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
    readonly TileRounding _rounding;
    readonly float[] _work;     // [K, 32]: what the remaining columns should be; then W' − Q
    readonly float[] _gradient; // [K, 32]: (W' − Q)·H'
    readonly float[] _target;   // [v, 32]
    readonly float[] _value;    // [v, 32]
    readonly float[] _change;   // [v, 32]
    readonly byte[] _before = new byte[Rows];

    /// <summary>Scratch for tiles of a problem.</summary>
    public TileQuantizer(ScaledProblem problem, TileRounding rounding)
    {
        (_problem, _rounding) = (problem, rounding);
        (_work, _gradient) = (new float[problem.Columns * Rows], new float[problem.Columns * Rows]);
        var vector = problem.Length * Rows;
        (_target, _value, _change) = (new float[vector], new float[vector], new float[vector]);
    }

    /// <summary>(W' − Q)·H' of the tile last worked on, [K, 32].</summary>
    public ReadOnlySpan<float> Gradient => _gradient;

    /// <summary>Error propagation.</summary>
    /// <param name="tile">Which tile.</param>
    /// <param name="codes">[G, 32], blocks in the order of the work.</param>
    public void Propagate(int tile, Span<byte> codes)
    {
        var (size, columns) = (_problem.Length * Rows, _problem.Columns);
        var original = _problem.Tile(tile);
        original.CopyTo(_work);
        for (var block = 0; block < _problem.Blocks; block++)
        {
            var chosen = codes.Slice(block * Rows, Rows);
            _rounding.ChooseAhead(tile, block, _work.AsSpan(block * size, size), chosen);
            _rounding.Decode(tile, block, chosen, _value);
            for (var i = 0; i < size; i++) _change[i] = original[block * size + i] - _value[i];
            var first = block * _problem.Length;
            RowTile.Add(_work, _change, _problem.Feedback.AsSpan(first * columns, _problem.Length * columns), columns, first + _problem.Length, columns);
        }
    }

    /// <summary>Sets error and gradient to those of given codes.</summary>
    public void Start(int tile, ReadOnlySpan<byte> codes)
    {
        DecodeAll(tile, codes);
        var original = _problem.Tile(tile);
        for (var i = 0; i < _work.Length; i++) _work[i] = original[i] - _work[i];
        RowTile.Multiply(_work, _problem.Moment, _problem.Columns, _gradient);
    }

    /// <summary>Sets the error to what given codes decode to, and the gradient to its product with H'.</summary>
    public void StartDecoded(int tile, ReadOnlySpan<byte> codes)
    {
        DecodeAll(tile, codes);
        RowTile.Multiply(_work, _problem.Moment, _problem.Columns, _gradient);
    }

    /// <summary>One sweep of coordinate descent after <see cref="Start"/>.</summary>
    /// <param name="tile">Which tile.</param>
    /// <param name="codes">[G, 32].</param>
    /// <returns>False where no code changed.</returns>
    public bool Sweep(int tile, Span<byte> codes)
    {
        var (v, size, columns, hasChanged) = (_problem.Length, _problem.Length * Rows, _problem.Columns, false);
        for (var block = 0; block < _problem.Blocks; block++)
        {
            var chosen = codes.Slice(block * Rows, Rows);
            chosen.CopyTo(_before);
            _rounding.Decode(tile, block, chosen, _change);
            Unconstrained(block, _change);
            _rounding.ChooseAlone(tile, block, _target, chosen);
            if (chosen.SequenceEqual(_before)) continue;
            hasChanged = true;
            _rounding.Decode(tile, block, chosen, _value);
            for (var i = 0; i < size; i++)
            {
                _change[i] -= _value[i];
                _work[block * size + i] += _change[i];
            }
            RowTile.Add(_gradient, _change, _problem.Moment.AsSpan(block * v * columns, v * columns), columns, 0, columns);
        }
        return hasChanged;
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

    void DecodeAll(int tile, ReadOnlySpan<byte> codes)
    {
        var size = _problem.Length * Rows;
        for (var block = 0; block < _problem.Blocks; block++) _rounding.Decode(tile, block, codes.Slice(block * Rows, Rows), _work.AsSpan(block * size, size));
    }

    /// <summary>What a block would best be if it could be anything: q + gradient · H'_bb⁻¹.</summary>
    void Unconstrained(int block, ReadOnlySpan<float> q)
    {
        var (v, at) = (_problem.Length, block * _problem.Length);
        var inverse = _problem.OwnInverses.AsSpan(at * v, v * v);
        for (var t = 0; t < v; t++)
            for (var row = 0; row < Rows; row++)
            {
                var sum = q[t * Rows + row];
                for (var s = 0; s < v; s++) sum += _gradient[(at + s) * Rows + row] * inverse[s * v + t];
                _target[t * Rows + row] = sum;
            }
    }
}
