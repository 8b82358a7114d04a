using OnnxEff.Formats;
using OnnxEff.Ir;
using OnnxEff.Ops;

namespace OnnxEff.GraphPasses.Lower;

/// <summary><see cref="AffineMatMul"/> by standard operators.</summary>
sealed class AffineMatMulBody : IOperatorBody
{
    /// <inheritdoc/>
    public OperatorSchema Schema => AffineMatMul.Schema;

    /// <inheritdoc/>
    public void Write(BodyBuilder b, ElementType element)
    {
        var y = b.Product(b.Input("input")!, AffineWeight.Decode(b, "weight", b.Input("input")!));
        b.Return(b.Input("bias") is { } bias ? b.Op("Add", [y, bias]) : y, element);
    }
}

/// <summary><see cref="AffineGather"/> by standard operators.</summary>
sealed class AffineGatherBody : IOperatorBody
{
    /// <inheritdoc/>
    public OperatorSchema Schema => AffineGather.Schema;

    /// <inheritdoc/>
    public void Write(BodyBuilder b, ElementType element) => b.Return(b.Gather(AffineWeight.Decode(b, "table", b.Input("indices")!), b.Input("indices")!), ElementType.Float32);
}

/// <summary>The dense weight of affine blocks.</summary>
static class AffineWeight
{
    const int Rows = AffineBlockLayout.TileRows, Inputs = AffineBlockLayout.BlockInputs, HalfBytes = 2 * Rows;

    /// <summary>[N, K]</summary>
    public static Value Decode(BodyBuilder b, string input, Value activations)
    {
        var sizes = b.Sizes(input);
        var layout = AffineBlockLayout.OfUnit(b.Attribute("N"), b.Attribute("K"), sizes[2])!;
        var bytes = b.Late(input, activations);
        var weight = b.Op("Mul", [Codes(b, b.Slice(bytes, 2, layout.SideBytes, layout.UnitBytes), layout), Side(b, bytes, 0, layout)]);
        if (layout.HasMinima) weight = b.Op("Add", [weight, Side(b, bytes, HalfBytes, layout)]);
        return b.Cut(b.Reshape(weight, (long)layout.Tiles * Rows, (long)layout.Blocks * Inputs));
    }

    // [tiles, 16, blocks, 32]: input i of a block is bits (i mod 2)·16 + ((i mod p) div 2)·bits of word i div p of its row.
    static Value Codes(BodyBuilder b, Value bytes, AffineBlockLayout layout)
    {
        int perWord = 32 / layout.Bits, words = Inputs / perWord;
        var halves = b.Reshape(b.Parts(bytes, layout.Bits, code => (float)(code - layout.Zero)), layout.Tiles, layout.Blocks, words, Rows, 2, perWord / 2);
        return b.Reshape(b.Transpose(halves, 0, 3, 1, 2, 5, 4), layout.Tiles, Rows, layout.Blocks, Inputs);
    }

    // A fp16 number for each row and block, [tiles, 16, blocks, 1]. ONNX has no way to read two bytes as one; its bits are taken apart.
    static Value Side(BodyBuilder b, Value bytes, long from, AffineBlockLayout layout)
    {
        var pair = b.Reshape(b.Whole(b.Slice(bytes, 2, from, from + HalfBytes)), layout.Tiles, layout.Blocks, Rows, 2);
        var bits = b.Op("Add", [b.Slice(pair, 3, 0, 1), b.Op("Mul", [b.Slice(pair, 3, 1, 2), b.Constant(Tensor.Scalar(256L))])]);
        var exponent = b.Bits(bits, 1024, 5);
        // (-1)^sign · (mantissa + 1024) · 2^(exponent - 25); without the 1024, and with 2^-24, where the exponent is 0.
        float[] signs = [1, -1], hidden = [.. Enumerable.Range(0, 32).Select(e => e == 0 ? 0f : 1024f)], powers = [.. Enumerable.Range(0, 32).Select(e => MathF.ScaleB(1, Math.Max(e, 1) - 25))];
        var mantissa = b.Op("Add", [b.Cast(b.Bits(bits, 1, 10), ElementType.Float32), b.Gather(b.Constant(Tensor.Vector<float>(hidden)), exponent)]);
        var size = b.Op("Mul", [mantissa, b.Gather(b.Constant(Tensor.Vector<float>(powers)), exponent)]);
        var value = b.Op("Mul", [size, b.Gather(b.Constant(Tensor.Vector<float>(signs)), b.Bits(bits, 1 << 15, 1))]);
        return b.Transpose(value, 0, 2, 1, 3);
    }
}
