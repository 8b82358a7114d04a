using OnnxEff.Ir;
using OnnxEff.Rewriting;

namespace OnnxEff.GraphPasses.Raise.Attention;

/// <summary>What a cone does to heads: y = c · (x rotated by angles whose cosines and sines come from outside).</summary>
/// <param name="Cos">Index of the cosines among the cone's angles.</param>
/// <param name="Sin">Index of the sines.</param>
/// <param name="Interleaved">True if pairs are (2i, 2i+1), false if they are (i, i+R/2).</param>
/// <param name="Width">R: the first R elements of a head are rotated.</param>
/// <param name="Factor">c.</param>
readonly record struct ProbedRotation(int Cos, int Sin, bool Interleaved, int Width, double Factor);

/// <summary>
/// Recognises a rotation by evaluation: the nodes between heads and heads are run on random heads and random "angles" (cosines and
/// sines that belong to no angle), and the result is compared with each form of rotary embedding (RoFormer, section 3.4.2). Two random
/// polynomials of degree two that agree on so many numbers are the same, however an exporter spelled them.
/// </summary>
sealed class RotationProbe(Model model, IGraphEvaluator evaluator)
{
    readonly Dictionary<string, ProbedRotation?> _known = [];

    /// <summary>The rotation that a cone computes from heads <paramref name="x"/> to heads <paramref name="y"/>, or null.</summary>
    public ProbedRotation? Probe(HiddenCone cone, Heads x, Heads y)
    {
        if (cone.Angles.Count < 2)
            return null;
        var key = ConeText.Of(cone);
        if (key is not null && _known.TryGetValue(key, out var known))
            return known;
        var found = Evaluate(cone, x, y);
        if (key is not null)
            _known.Add(key, found);
        return found;
    }

    ProbedRotation? Evaluate(HiddenCone cone, Heads x, Heads y)
    {
        if (ConeRun.TryRun(model, cone, evaluator) is not { } run)
            return null;
        var heads = (int)y.Count!.Value;
        var (before, after) = (HeadValues.Read(run.From, x.Layout, heads), HeadValues.Read(run.To, y.Layout, heads));
        if (before is null || after is null || !before.HasSizesOf(after))
            return null;
        AngleValues?[] tables = [.. cone.Angles.Zip(run.Angles, (value, tensor) => AngleValues.Read(value, tensor, y))];
        const double tolerance = ConeRun.Tolerance;
        for (var cos = 0; cos < tables.Length; cos++)
        {
            for (var sin = 0; sin < tables.Length; sin++)
            {
                if (cos == sin || tables[cos] is not { } c || tables[sin] is not { } s || c.Columns != s.Columns)
                    continue;
                foreach (var width in (int[])[c.Columns, 2 * c.Columns])
                {
                    foreach (var interleaved in (bool[])[false, true])
                    {
                        if (width % 2 == 0 && width <= after.Size && Factor(before, after, c, s, width, interleaved, tolerance) is { } factor)
                            return new(cos, sin, interleaved, width, factor);
                    }
                }
            }
        }
        return null;
    }

    /// <summary>c if y = c · rotated x within a tolerance, else null.</summary>
    static double? Factor(HeadValues x, HeadValues y, AngleValues cos, AngleValues sin, int width, bool interleaved, double tolerance)
    {
        var pairs = width / 2;
        double dot = 0, norm = 0, largest = 0;
        var expected = new double[y.Count];
        for (var at = 0; at < expected.Length; at++)
        {
            var i = at % y.Size;
            var (b, s) = y.TokenOf(at);
            if (i >= width)
                expected[at] = x[at];
            else
            {
                var isFirst = interleaved ? i % 2 == 0 : i < pairs;
                var twin = interleaved ? at ^ 1 : isFirst ? at + pairs : at - pairs;
                var column = cos.Columns == width ? i : interleaved ? i / 2 : i % pairs;
                expected[at] = (x[at] * cos[b, s, column]) + ((isFirst ? -1 : 1) * x[twin] * sin[b, s, column]);
            }
            dot += expected[at] * y[at];
            norm += expected[at] * expected[at];
            largest = Math.Max(largest, Math.Abs(y[at]));
        }
        var factor = dot / norm;
        for (var at = 0; at < expected.Length; at++)
        {
            if (!(Math.Abs(y[at] - (factor * expected[at])) <= tolerance * largest))
                return null;
        }
        return Math.Abs(factor - 1) < tolerance ? 1 : factor;
    }

    /// <summary>Heads read as [B, S, H, D], whatever the order of their axes.</summary>
    sealed class HeadValues(double[] values, int batch, int tokens, int heads, int size, HeadLayout layout)
    {
        public int Count => values.Length;

        public int Size => size;

        public double this[int at]
        {
            get
            {
                var (i, h, s, b) = (at % size, at / size % heads, at / size / heads % tokens, at / size / heads / tokens);
                return layout == HeadLayout.TokensFirst ? values[at] : values[((((b * heads) + h) * tokens) + s) * size + i];
            }
        }

        public (int Row, int Token) TokenOf(int at) => (at / size / heads / tokens, at / size / heads % tokens);

        public bool HasSizesOf(HeadValues other) => (batch, tokens, heads, size) == other.Sizes;

        (int, int, int, int) Sizes => (batch, tokens, heads, size);

        public static HeadValues? Read(Tensor tensor, HeadLayout layout, int count)
        {
            if (tensor.ToDouble() is not { } values)
                return null;
            if (tensor.Rank == 3)
                return new(values, (int)tensor.Dims[0], (int)tensor.Dims[1], count, (int)tensor.Dims[2] / count, layout);
            if (tensor.Rank != 4)
                return null;
            var (second, third) = ((int)tensor.Dims[1], (int)tensor.Dims[2]);
            var (heads, tokens) = layout == HeadLayout.HeadsFirst ? (second, third) : (third, second);
            return new(values, (int)tensor.Dims[0], tokens, heads, (int)tensor.Dims[3], layout);
        }
    }

    /// <summary>Angles read as [B or 1, S, columns].</summary>
    sealed class AngleValues(double[] values, int rows, int tokens, int columns)
    {
        public int Columns => columns;

        public double this[int b, int s, int column] => values[((((rows == 1 ? 0 : b) * tokens) + s) * columns) + column];

        public static AngleValues? Read(Value value, Tensor tensor, Heads heads)
        {
            if (AngleTable.AxesOf(value, heads) is not { } axes || tensor.ToDouble() is not { } values)
                return null;
            return new(values, axes.Batch is { } b ? (int)tensor.Dims[b] : 1, (int)tensor.Dims[axes.Tokens], (int)tensor.Dims[axes.Columns]);
        }
    }
}
