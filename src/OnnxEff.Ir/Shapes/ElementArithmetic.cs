using Element = OnnxEff.Ir.Shapes.SymbolicElement;

namespace OnnxEff.Ir.Shapes;

/// <summary>Operators on single elements: exact on sizes, rounded to the element type on numbers of float tensors.</summary>
static class ElementArithmetic
{
    /// <summary>Applies a function to numbers, and another to what is an integer or size. Unknown stays unknown.</summary>
    public static Element Unary(Element x, ElementType type, Func<double, double>? onNumber, Func<Dim, Dim?>? onDim)
    {
        if (type.IsFloat() && x.Number is { } number && onNumber is not null)
            return Round(onNumber(number), type);
        return x.Dim is { } dim && onDim is not null ? new Element(onDim(dim)) : Element.Unknown;
    }

    /// <summary>The same for two operands.</summary>
    public static Element Binary(Element x, Element y, ElementType type, Func<double, double, double>? onNumbers, Func<Dim, Dim, Dim?>? onDims)
    {
        if (type.IsFloat() && x.Number is { } a && y.Number is { } b && onNumbers is not null)
            return Round(onNumbers(a, b), type);
        return x.Dim is { } left && y.Dim is { } right && onDims is not null ? new Element(onDims(left, right)) : Element.Unknown;
    }

    /// <summary>A number as a tensor of the type holds it.</summary>
    public static Element Round(double number, ElementType type) => Element.OfNumber(type switch
    {
        ElementType.Float32 => (float)number,
        ElementType.Float16 => (double)(Half)number,
        ElementType.BFloat16 => ToBFloat16((float)number),
        _ => number,
    });

    /// <summary>Integer division, which drops the fraction; null where the signs are not known.</summary>
    public static Dim? Divide(Dim a, Dim b)
    {
        if (a.TryGetConstant(out var x) && b.TryGetConstant(out var y))
            return y == 0 || (y == -1 && x == long.MinValue) ? null : Dim.Of(x / y);
        if (Dim.TryDivideExactly(a, b, out var exact))
            return exact;
        return a.LowerBound >= 0 && b.LowerBound >= 0 ? Dim.FloorDivide(a, b) : null;
    }

    /// <summary>Division of float tensors: only where the quotient of sizes is a size.</summary>
    public static Dim? DivideExactly(Dim a, Dim b) => Dim.TryDivideExactly(a, b, out var exact) ? exact : null;

    /// <summary>The remainder with the sign of the divisor.</summary>
    public static Dim? Modulo(Dim a, Dim b) => b.LowerBound >= 1 || (b.IsConstant && b.Constant != 0) ? Dim.Modulo(a, b) : null;

    /// <summary>1 if equal, 0 if never, null if not known.</summary>
    public static Dim? AreEqual(Dim a, Dim b) => a.Equals(b) ? Dim.One : Dim.AreNeverEqual(a, b) ? Dim.Zero : null;

    /// <summary>1 if always smaller, 0 if never, null if not known.</summary>
    public static Dim? IsLess(Dim a, Dim b) => Dim.IsAtLeast(b, a + Dim.One) ? Dim.One : Dim.IsAtLeast(a, b) ? Dim.Zero : null;

    /// <summary>1 for 0 and 0 for all else.</summary>
    public static Dim? Not(Dim? a) => a is null ? null : AreEqual(a, Dim.Zero);

    /// <summary>A comparison, whose operands may be numbers or sizes.</summary>
    public static Element Compare(Element x, Element y, Func<double, double, bool> onNumbers, Func<Dim, Dim, Dim?> onDims)
    {
        if (x.Dim is { } left && y.Dim is { } right)
            return new Element(onDims(left, right));
        return x.Number is { } a && y.Number is { } b ? new Element(onNumbers(a, b) ? Dim.One : Dim.Zero) : Element.Unknown;
    }

    /// <summary>An element in another type; unknown where the target cannot hold it.</summary>
    public static Element Cast(Element x, ElementType to)
    {
        if (to == ElementType.Bool)
        {
            return x.Number is { } truth ? new Element(truth != 0 ? Dim.One : Dim.Zero)
                : x.Dim is { } size && Dim.AreNeverEqual(size, Dim.Zero) ? new Element(Dim.One) : Element.Unknown;
        }
        if (to.IsFloat())
            return x.Number is { } number ? Round(number, to) : x;
        if (!to.IsInteger() || x.Dim is not null && !x.Dim.IsConstant)
            return to.IsInteger() ? x : Element.Unknown;
        if (x.Number is not { } value || !(Math.Abs(value) < 1L << 53))
            return to is ElementType.Int64 ? new Element(x.Dim) : Element.Unknown;
        var (low, high) = Range(to);
        var whole = Math.Truncate(value);
        return whole >= low && whole <= high ? new Element((Dim)(long)whole) : Element.Unknown;
    }

    static (double Low, double High) Range(ElementType type) => type switch
    {
        ElementType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
        ElementType.UInt8 => (0, byte.MaxValue),
        ElementType.Int16 => (short.MinValue, short.MaxValue),
        ElementType.UInt16 => (0, ushort.MaxValue),
        ElementType.Int32 => (int.MinValue, int.MaxValue),
        ElementType.UInt32 => (0, uint.MaxValue),
        ElementType.UInt64 => (0, double.MaxValue),
        _ => (double.MinValue, double.MaxValue),
    };

    static double ToBFloat16(float value)
    {
        if (!float.IsFinite(value))
            return value;
        var bits = BitConverter.SingleToUInt32Bits(value);
        bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000; // To nearest, ties to even.
        return BitConverter.UInt32BitsToSingle(bits);
    }
}
