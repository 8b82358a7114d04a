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
    readonly float[] _changes;  // [columns of a group, 32]
    readonly int[] _changed;    // which columns these are
    readonly byte[] _before = new byte[Rows];

    /// <summary>Scratch for tiles of a problem.</summary>
    public TileQuantizer(ScaledProblem problem, TileRounding rounding)
    {
        (_problem, _rounding) = (problem, rounding);
        (_work, _gradient) = (new float[problem.Columns * Rows], new float[problem.Columns * Rows]);
        var vector = problem.Length * Rows;
        (_target, _value) = (new float[vector], new float[vector]);
        (_changes, _changed) = (new float[GroupBlocks * vector], new int[GroupBlocks * problem.Length]);
    }

    /// <summary>
    /// Blocks of a group. What a block's change means for others is worked out at once within its group, and for all columns outside when the group is
    /// done: some thirty changes of a column are then added in registers.
    /// </summary>
    int GroupBlocks => Math.Max(1, 32 / _problem.Length);

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
        for (var group = 0; group < _problem.Blocks; group += GroupBlocks)
        {
            var (last, changed) = (Math.Min(group + GroupBlocks, _problem.Blocks), 0);
            var end = last * _problem.Length;
            for (var block = group; block < last; block++)
            {
                var chosen = codes.Slice(block * Rows, Rows);
                _rounding.ChooseAhead(tile, block, _work.AsSpan(block * size, size), chosen);
                _rounding.Decode(tile, block, chosen, _value);
                var change = NextChange(ref changed, block);
                for (var i = 0; i < size; i++) change[i] = original[block * size + i] - _value[i];
                var first = block * _problem.Length;
                RowTile.Add(_work, change, _problem.Feedback.AsSpan(first * columns), columns, first + _problem.Length, end);
            }
            RowTile.AddMany(_work, _changes, _changed.AsSpan(0, changed), _problem.Feedback, columns, end, columns);
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
        for (var group = 0; group < _problem.Blocks; group += GroupBlocks)
        {
            var (last, changed) = (Math.Min(group + GroupBlocks, _problem.Blocks), 0);
            var (first, end) = (group * v, last * v);
            for (var block = group; block < last; block++)
            {
                var chosen = codes.Slice(block * Rows, Rows);
                chosen.CopyTo(_before);
                _rounding.Decode(tile, block, chosen, _value);
                Unconstrained(block, _value);
                _rounding.ChooseAlone(tile, block, _target, chosen);
                if (chosen.SequenceEqual(_before)) continue;
                var change = NextChange(ref changed, block);
                _value.CopyTo(change);
                _rounding.Decode(tile, block, chosen, _value);
                for (var i = 0; i < size; i++)
                {
                    change[i] -= _value[i];
                    _work[block * size + i] += change[i];
                }
                RowTile.Add(_gradient, change, _problem.Moment.AsSpan(block * v * columns), columns, first, end);
            }
            if (changed == 0) continue;
            hasChanged = true;
            var rows = _changed.AsSpan(0, changed);
            RowTile.AddMany(_gradient, _changes, rows, _problem.Moment, columns, 0, first);
            RowTile.AddMany(_gradient, _changes, rows, _problem.Moment, columns, end, columns);
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

    /// <summary>Room for the change of a block, [v, 32].</summary>
    Span<float> NextChange(ref int changed, int block)
    {
        var change = _changes.AsSpan(changed * Rows, _problem.Length * Rows);
        for (var t = 0; t < _problem.Length; t++) _changed[changed++] = block * _problem.Length + t;
        return change;
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
        var gradient = _gradient.AsSpan(at * Rows, v * Rows);
        q.CopyTo(_target);
        for (var t = 0; t < v; t++)
            for (var s = 0; s < v; s++) RowTile.AddScaled(_target.AsSpan(t * Rows, Rows), gradient.Slice(s * Rows, Rows), inverse[s * v + t]);
    }
}
