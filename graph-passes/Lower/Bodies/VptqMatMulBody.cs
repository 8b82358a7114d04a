using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.GraphPasses.Lower;

/// <summary><see cref="VptqMatMul"/> by standard operators.</summary>
sealed class VptqMatMulBody : IOperatorBody
{
    /// <inheritdoc/>
    public OperatorSchema Schema => VptqMatMul.Schema;

    /// <inheritdoc/>
    public void Write(BodyBuilder b, ElementType element)
    {
        var x = b.Cast(b.Input("input")!, ElementType.Float32);
        var scaled = b.Floats("scale") is { } scale ? b.Op("Mul", [x, scale]) : x;
        if (b.Input("permutation") is { } permutation) scaled = b.Gather(scaled, b.Whole(permutation), axis: -1);
        var grouped = Grouped(b);
        var y = b.Product(scaled, b.Cut(Outliers(b) is { } outliers ? b.Concat(1, outliers, grouped) : grouped));
        if (b.Floats("offset") is { } offset) // The same for every output.
            y = b.Op("Add", [y, b.Op("ReduceSum", [b.Op("Mul", [x, offset]), b.List(-1)], ("keepdims", 1L))]);
        if (b.Floats("bias") is { } bias) y = b.Op("Add", [y, bias]);
        b.Return(y, element);
    }

    // Columns of the groups: [rows of all vectors cut to N, K - S].
    static Value Grouped(BodyBuilder b)
    {
        var (codes, codebook) = (b.Sizes("codes"), b.Sizes("codebook"));
        var residual = b.Input("residual_codebook") is null ? 0 : b.Sizes("residual_codebook")[1];
        var outliers = b.Input("outlier_codes") is null ? 0 : b.Sizes("outlier_codes")[1];
        var layout = new VptqLayout(b.Attribute("N"), b.Attribute("K"), (int)codebook[2], (int)codebook[1])
        {
            Groups = (int)codes[0],
            ResidualCentroids = (int)residual,
            OutlierColumns = (int)outliers,
        };
        var code = Codes(b, layout);
        var vectors = Centroids(b, "codebook", b.Bits(code, 1, layout.MainBits), layout);
        if (residual > 0) vectors = b.Op("Add", [vectors, Centroids(b, "residual_codebook", b.Bits(code, 1L << layout.MainBits, layout.ResidualBits), layout)]);
        // [G, M, columns, v] with outputs first.
        var byOutputs = b.Transpose(vectors, 1, 3, 0, 2);
        return Rows(b, b.Reshape(byOutputs, (long)layout.Vectors * layout.VectorLength, (long)layout.Groups * layout.GroupSize));
    }

    static Value Centroids(BodyBuilder b, string codebook, Value indices, VptqLayout layout)
    {
        var sizes = b.Sizes(codebook);
        long[] firsts = [.. Enumerable.Range(0, layout.Groups).Select(group => group * sizes[1])];
        var all = b.Reshape(b.Floats(codebook)!, layout.Groups * sizes[1], sizes[2]);
        return b.Gather(all, b.Op("Add", [indices, b.Constant(Tensor.Create<long>([layout.Groups, 1, 1], firsts))]));
    }

    // A code may lie across two words: [G, M, columns].
    static Value Codes(BodyBuilder b, VptqLayout layout)
    {
        const long Word = 1L << 32;
        int n = layout.CodeBits;
        var columns = Enumerable.Range(0, layout.GroupSize).Select(column => (long)column * n).ToArray();
        var signed = b.Whole(b.Late("codes", b.Input("input")!));
        var words = b.Op("Mod", [b.Op("Add", [signed, b.Constant(Tensor.Scalar(Word))]), b.Constant(Tensor.Scalar(Word))]);
        var low = b.Gather(words, b.List([.. columns.Select(bit => bit / 32)]), axis: 2);
        var next = b.Gather(words, b.List([.. columns.Select(bit => Math.Min(bit / 32 + 1, layout.RowWords - 1))]), axis: 2);
        var shifted = b.Op("Div", [low, b.List([.. columns.Select(bit => 1L << (int)(bit % 32))])]);
        // Only bits of the code: a whole word would not fit beside the others.
        var rest = b.Op("Mul", [b.Bits(next, 1, Math.Min(n, 31)), b.List([.. columns.Select(bit => 1L << (int)(32 - bit % 32))])]);
        return b.Bits(b.Op("Add", [shifted, b.Op("Mod", [rest, b.Constant(Tensor.Scalar(Word))])]), 1, n);
    }

    static Value? Outliers(BodyBuilder b)
    {
        if (b.Input("outlier_codes") is not { } codes) return null;
        var (sizes, length) = (b.Sizes("outlier_codes"), b.Sizes("outlier_codebook")[1]);
        var vectors = b.Gather(b.Floats("outlier_codebook")!, b.Whole(codes));
        return Rows(b, b.Reshape(b.Transpose(vectors, 0, 2, 1), sizes[0] * length, sizes[1]));
    }

    static Value Rows(BodyBuilder b, Value matrix) => b.Slice(matrix, 0, 0, b.Attribute("N"));
}
