using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.GraphPasses.Lower;

/// <summary><see cref="VqMatMul"/> by standard operators.</summary>
sealed class VqMatMulBody : IOperatorBody
{
    const int TileRows = 64, UnitGroups = 4; // Of codes of 4 bits.

    /// <inheritdoc/>
    public OperatorSchema Schema => VqMatMul.Schema;

    /// <inheritdoc/>
    public void Write(BodyBuilder b, ElementType element)
    {
        var x = b.Cast(b.Input("input")!, ElementType.Float32);
        var scaled = b.Floats("column_scale") is { } columns ? b.Op("Mul", [x, columns]) : x;
        if (b.Input("permutation") is { } permutation) scaled = b.Gather(scaled, b.Whole(permutation), axis: -1);
        var y = b.Product(scaled, Stored(b));
        if (b.Floats("row_scale") is { } rows) y = b.Op("Mul", [y, rows]);
        if (Outliers(b) is { } outliers) y = b.Op("Add", [y, b.Product(x, outliers)]);
        if (b.Floats("bias") is { } bias) y = b.Op("Add", [y, bias]);
        b.Return(y, element);
    }

    // [N, K] in the order of stored columns, not scaled.
    static Value Stored(BodyBuilder b)
    {
        var (codes, codebook) = (b.Sizes("codes"), b.Sizes("codebook"));
        var (tiles, v) = (codes[0], codebook[1]);
        var groups = codebook[0] == 16 ? codes[1] * UnitGroups : codes[1];
        // Row r of a tile stands at place 2·(r mod 32) + r div 32.
        var places = b.Reshape(Codes(b, codes), tiles, groups, TileRows / 2, 2);
        var rows = b.Reshape(b.Transpose(places, 0, 3, 2, 1), tiles * TileRows, groups);
        return b.Cut(b.Reshape(b.Gather(b.Floats("codebook")!, rows), tiles * TileRows, groups * v));
    }

    // Codes of 64 places: as many as [tiles, groups, 64]. Bytes hold parts of codes that are half or a quarter of a tile apart.
    static Value Codes(BodyBuilder b, long[] sizes)
    {
        var bytes = b.Late("codes", b.Input("input")!);
        var (tiles, units, unitBytes) = (sizes[0], sizes[1], sizes[2]);
        if (unitBytes == TileRows) return b.Cast(bytes, ElementType.Int32);
        if (unitBytes == TileRows / 2 * UnitGroups)
        {
            // [tiles, units, half of the places, group, byte, half of the byte]
            var halves = b.Reshape(b.Parts(bytes, 4, part => part), tiles, units, 2, UnitGroups, TileRows / 4, 2);
            return b.Transpose(halves, 0, 1, 3, 2, 5, 4);
        }
        var low = Places(b.Parts(b.Slice(bytes, 2, 0, TileRows / 2), 4, part => part));
        return b.Op("Add", [low, Places(b.Parts(b.Slice(bytes, 2, TileRows / 2, unitBytes), 2, part => part << 4))]);

        Value Places(Value parts) => b.Reshape(b.Transpose(parts, 0, 1, 3, 2), tiles, units, TileRows);
    }

    // [N, K] of zeros and single weights.
    static Value? Outliers(BodyBuilder b)
    {
        if (b.Input("outlier_rows") is not { } rows) return null;
        var axis = b.List(1);
        var places = b.Concat(1, b.Op("Unsqueeze", [b.Whole(rows), axis]), b.Op("Unsqueeze", [b.Whole(b.Input("outlier_inputs")!), axis]));
        var zeros = b.Op("ConstantOfShape", [b.List(b.Attribute("N"), b.Attribute("K"))]);
        return b.Op("ScatterND", [zeros, places, b.Floats("outlier_values")], ("reduction", "add"));
    }
}
