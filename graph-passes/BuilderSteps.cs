using OnnxEff.Ir;

namespace OnnxEff.GraphPasses;

/// <summary>Small steps that many passes write.</summary>
static class BuilderSteps
{
    /// <summary>One dimension of a value of known rank, int64 [1]: a constant where it is known.</summary>
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

    /// <summary>The value with axes of size 1 inserted, counted in the result; the axes became an input with opset 13.</summary>
    public static Value Unsqueeze(this GraphBuilder build, Value value, long opset, params long[] axes)
    {
        TensorType? type = null;
        if (value.Type?.Shape is { } shape)
        {
            var dims = shape.ToList();
            foreach (var axis in axes.Order())
                dims.Insert((int)axis, Dim.One);
            type = value.Type with { Shape = new TensorShape(dims) };
        }
        return opset >= 13 ? build.Op("Unsqueeze", [value, build.Constant(Tensor.Vector(axes))], type) : build.Op("Unsqueeze", [value], type, ("axes", axes));
    }

    /// <summary>0, 1, … below a count that is int64 [1].</summary>
    public static Value Range(this GraphBuilder build, Value count) => build.Op("Range", [build.Constant(Tensor.Scalar(0L)),
        build.Op("Reshape", [count, build.Constant(Tensor.Create<long>([0], []))], null), build.Constant(Tensor.Scalar(1L))], null);

    /// <summary>The value in another element type.</summary>
    public static Value Cast(this GraphBuilder build, Value value, ElementType element) => value.Type?.Element == element ? value
        : build.Op("Cast", [value], new TensorType(element, value.Type?.Shape), ("to", (long)element));

    static TensorType Vector(int count) => new(ElementType.Int64, TensorShape.Of(count));
}
