using OnnxEff.Ir;

namespace OnnxEff.GraphPasses;

/// <summary>Sizes of tensors as values of a graph: constants where they are known.</summary>
static class Extents
{
    /// <summary>One dimension of a value of known rank, int64 [1].</summary>
    public static Value Extent(this GraphBuilder build, Value value, int axis)
    {
        var shape = value.Type!.Shape!;
        return shape[axis].Constant is { } known ? build.Constant(Tensor.Vector(known))
            : build.Op("Gather", [build.Op("Shape", [value], Vector(shape.Rank)), build.Constant(Tensor.Vector((long)axis))], Vector(1));
    }

    /// <summary>One number less than <paramref name="counts"/> [1] or [B] for each of the rows [B], int32.</summary>
    public static Value LastOfRows(this GraphBuilder build, Value counts, Value rowsOf)
    {
        var rows = rowsOf.Type!.Shape![0];
        var last = build.Op("Sub", [counts, build.Constant(Tensor.Vector(1L))], counts.Type);
        var type = new TensorType(ElementType.Int32, new TensorShape(rows));
        if (counts.Type!.Shape![0] != rows)
            last = build.Op("Expand", [last, build.Extent(rowsOf, 0)], type with { Element = counts.Type.Element });
        return build.Op("Cast", [last], type, ("to", (long)ElementType.Int32));
    }

    static TensorType Vector(int count) => new(ElementType.Int64, TensorShape.Of(count));
}
