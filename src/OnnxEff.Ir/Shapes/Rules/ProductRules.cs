namespace OnnxEff.Ir.Shapes.Rules;

/// <summary>Matrix products and contractions.</summary>
static class ProductRules
{
    public static IEnumerable<(string, ShapeRule)> All =>
    [
        ("MatMul", c => c.Set(0, c.Element(0), MatMul(c, c.Shape(0), c.Shape(1)))),
        ("MatMulInteger", c => c.Set(0, ElementType.Int32, MatMul(c, c.Shape(0), c.Shape(1)))),
        ("QLinearMatMul", c => c.Set(0, c.Element(7), MatMul(c, c.Shape(0), c.Shape(3)))),
        ("Gemm", Gemm), ("Einsum", Einsum),
    ];

    /// <summary>[..., M, K] · [..., K, N] = [..., M, N]; a vector is a matrix whose extra axis is dropped.</summary>
    public static TensorShape? MatMul(ShapeContext c, TensorShape? a, TensorShape? b)
    {
        if (a is null || b is null)
            return null;
        if (a.Rank == 0 || b.Rank == 0)
        {
            c.Complain("A scalar cannot be an operand of a matrix product.");
            return null;
        }
        c.Equate(a[-1], b[b.Rank == 1 ? 0 : -2], "The inner dimensions of a product differ");
        var batch = c.Broadcast(Batch(a), Batch(b));
        List<Dim> dims = [.. batch];
        if (a.Rank > 1)
            dims.Add(a[-2]);
        if (b.Rank > 1)
            dims.Add(b[-1]);
        return new TensorShape(dims);
    }

    static TensorShape Batch(TensorShape shape) => new(shape[..Math.Max(0, shape.Rank - 2)].ToArray());

    static void Gemm(ShapeContext c)
    {
        if (c.Shape(0) is not [var a0, var a1] || c.Shape(1) is not [var b0, var b1])
        {
            c.Set(0, c.Element(0), c.FreshShape(2));
            return;
        }
        var (m, k) = c.Node.Int("transA") != 0 ? (a1, a0) : (a0, a1);
        var (inner, n) = c.Node.Int("transB") != 0 ? (b1, b0) : (b0, b1);
        c.Equate(k, inner, "The inner dimensions of a product differ");
        c.Set(0, c.Element(0), new TensorShape(m, n));
    }

    static void Einsum(ShapeContext c)
    {
        var inputs = Enumerable.Range(0, c.Node.Inputs.Count).Select(c.Shape).ToArray();
        var equation = c.Node.Text("equation").Replace(" ", "", StringComparison.Ordinal);
        var sides = equation.Split("->");
        var terms = sides[0].Split(',');
        if (equation.Contains('.', StringComparison.Ordinal) || sides.Length > 2 || terms.Length != inputs.Length
            || inputs.Where((s, i) => s is null || s.Rank != terms[i].Length).Any())
        {
            c.Set(0, c.Element(0), sides.Length == 2 && !sides[1].Contains('.', StringComparison.Ordinal) ? c.FreshShape(sides[1].Length) : null);
            return;
        }
        var sizes = new SortedDictionary<char, Dim>();
        for (var i = 0; i < terms.Length; i++)
        {
            for (var k = 0; k < terms[i].Length; k++)
            {
                var (label, size) = (terms[i][k], inputs[i]![k]);
                sizes[label] = sizes.TryGetValue(label, out var known) ? Dim.Broadcast(known, size) : size;
            }
        }
        var output = sides.Length == 2 ? sides[1] : string.Concat(sizes.Keys.Where(l => sides[0].Count(x => x == l) == 1));
        c.Set(0, c.Element(0), output.All(sizes.ContainsKey) ? new TensorShape(output.Select(l => sizes[l])) : null);
    }
}
