using OnnxEff.Ir;

namespace OnnxEff.GraphPasses.Raise.Positions;

/// <summary>What nodes give that ask for a shape only.</summary>
static class ShapeResult
{
    /// <summary>True for Shape and Size.</summary>
    public static bool IsFrom(Node node) => node.Domain.Length == 0 && node.OpType is "Shape" or "Size";

    /// <summary>What such a node gives for an operand of these dimensions.</summary>
    public static Tensor Of(Node node, long[] dims)
    {
        if (node.OpType == "Size")
            return Tensor.Scalar(Tensor.CountOf(dims));
        int Axis(long axis) => (int)Math.Clamp(axis < 0 ? axis + dims.Length : axis, 0, dims.Length);
        var (start, end) = (Axis(node.Int("start")), Axis(node.Int("end", dims.Length)));
        return Tensor.Vector<long>(dims.AsSpan(start, Math.Max(0, end - start)));
    }
}
