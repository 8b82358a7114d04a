using static OnnxEff.Ir.Shapes.ElementArithmetic;
using Element = OnnxEff.Ir.Shapes.SymbolicElement;

namespace OnnxEff.Ir.Shapes.Rules;

/// <summary>Operators that work on each element by itself, with broadcasting; on small tensors also their values.</summary>
static class ElementwiseRules
{
    static readonly Dim s_one = Dim.One;

    public static IEnumerable<(string, ShapeRule)> All =>
    [
        ("Identity", c => c.Set(0, c.Element(0), c.Shape(0), c.Value(0))),
        ("Neg", Unary(x => -x, d => -d)),
        ("Abs", Unary(Math.Abs, d => d.LowerBound >= 0 ? d : d.IsConstant ? -d : null)),
        ("Floor", Unary(Math.Floor, d => d)),
        ("Ceil", Unary(Math.Ceiling, d => d)),
        ("Round", Unary(x => Math.Round(x, MidpointRounding.ToEven), d => d)),
        ("Sqrt", Unary(Math.Sqrt)),
        ("Reciprocal", Unary(x => 1 / x)),
        ("Exp", Unary(Math.Exp)),
        ("Log", Unary(Math.Log)),
        ("Sign", Unary(x => double.IsNaN(x) ? x : Math.Sign(x), d => d.IsConstant ? Math.Sign(d.Constant!.Value) : d.LowerBound > 0 ? s_one : null)),
        ("Relu", Unary(x => x < 0 ? 0 : x, d => Dim.Max(d, Dim.Zero))),
        ("Not", c => c.Set(0, ElementType.Bool, c.Shape(0), c.Value(0)?.Select(e => new Element(Not(e.Dim))))),
        ("BitwiseNot", SameType), ("Clip", Clip),
        .. Named(SameType, "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Tanh", "Sigmoid", "Erf",
            "Elu", "Selu", "Celu", "LeakyRelu", "ThresholdedRelu", "HardSigmoid", "HardSwish", "Mish", "Softplus", "Softsign", "Swish",
            "Gelu", "Shrink", "CumSum", "CumProd", "Hardmax", "Softmax", "LogSoftmax", "Trilu", "ScatterElements", "ScatterND",
            "Scatter", "TensorScatter", "LpNormalization", "MeanVarianceNormalization", "InstanceNormalization",
            "GroupNormalization", "LRN", "Bernoulli", "ReverseSequence", "QuickGelu"),
        ("Add", Binary((a, b) => a + b, (a, b) => a + b)),
        ("Sub", Binary((a, b) => a - b, (a, b) => a - b)),
        ("Mul", Binary((a, b) => a * b, (a, b) => a * b)),
        ("Div", Division),
        ("Mod", Remainder),
        ("Pow", Binary(Math.Pow, IntegerPower)),
        .. Named(Binary(null, null), "PRelu", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor"),
        ("Min", Variadic(Math.Min, Dim.Min)),
        ("Max", Variadic(Math.Max, Dim.Max)),
        ("Sum", Variadic((a, b) => a + b, (a, b) => a + b)),
        ("Mean", Variadic(null, null)),
        ("Equal", Comparison((a, b) => a == b, AreEqual)),
        ("Less", Comparison((a, b) => a < b, IsLess)),
        ("Greater", Comparison((a, b) => a > b, (a, b) => IsLess(b, a))),
        ("LessOrEqual", Comparison((a, b) => a <= b, (a, b) => Not(IsLess(b, a)))),
        ("GreaterOrEqual", Comparison((a, b) => a >= b, (a, b) => Not(IsLess(a, b)))),
        ("And", Logic((a, b) => a == Dim.Zero || b == Dim.Zero ? Dim.Zero : a == s_one && b == s_one ? s_one : null)),
        ("Or", Logic((a, b) => a == s_one || b == s_one ? s_one : a == Dim.Zero && b == Dim.Zero ? Dim.Zero : null)),
        ("Xor", Logic((a, b) => a is null || b is null ? null : Not(AreEqual(a, b)))),
        ("IsNaN", Predicate(double.IsNaN)), ("IsInf", c => c.Set(0, ElementType.Bool, c.Shape(0))),
        ("Where", Where),
        ("Cast", c => Cast(c, (ElementType)c.Node.Int("to"))),
        ("CastLike", c => Cast(c, c.Element(1))),
        ("BitCast", c => c.Set(0, (ElementType)c.Node.Int("to"), null)),
        ("Dropout", Dropout),
    ];

    public static IEnumerable<(string, ShapeRule)> Named(ShapeRule rule, params string[] opTypes) => opTypes.Select(o => (o, rule));

    /// <summary>Type and shape of the first input.</summary>
    public static void SameType(ShapeContext c) => c.Set(0, c.Element(0), c.Shape(0));

    /// <summary>The broadcast shape of all inputs, or null if one is not known.</summary>
    public static TensorShape? BroadcastAll(ShapeContext c, int inputs)
    {
        TensorShape? common = null;
        for (var i = 0; i < inputs; i++)
        {
            if (c.Shape(i) is not { } shape)
                return null;
            common = common is null ? shape : c.Broadcast(common, shape);
        }
        return common;
    }

    static ShapeRule Unary(Func<double, double> onNumber, Func<Dim, Dim?>? onDim = null) => c =>
    {
        var type = c.Element(0);
        c.Set(0, type, c.Shape(0), c.Value(0)?.Select(e => ElementArithmetic.Unary(e, type, onNumber, onDim)));
    };

    static ShapeRule Predicate(Func<double, bool> holds) => c => c.Set(0, ElementType.Bool, c.Shape(0),
        c.Value(0)?.Select(e => e.Number is { } number ? new Element(holds(number) ? Dim.One : Dim.Zero) : Element.Unknown));

    static ShapeRule Binary(Func<double, double, double>? onNumbers, Func<Dim, Dim, Dim?>? onDims) => c =>
    {
        var type = c.Element(0) == ElementType.Undefined ? c.Element(1) : c.Element(0);
        var value = ValueBroadcast.Combine([c.Value(0), c.Value(1)],
            e => ElementArithmetic.Binary(e[0], e[1], type, onNumbers, onDims));
        c.Set(0, type, BroadcastAll(c, 2), value);
    };

    static ShapeRule Variadic(Func<double, double, double>? onNumbers, Func<Dim, Dim, Dim?>? onDims) => c =>
    {
        var type = c.Element(0);
        SymbolicValue? value = null;
        for (var i = 0; i < c.Node.Inputs.Count; i++)
        {
            value = i == 0 ? c.Value(0) : ValueBroadcast.Combine([value, c.Value(i)],
                e => ElementArithmetic.Binary(e[0], e[1], type, onNumbers, onDims));
        }
        c.Set(0, type, BroadcastAll(c, c.Node.Inputs.Count), value);
    };

    static ShapeRule Comparison(Func<double, double, bool> onNumbers, Func<Dim, Dim, Dim?> onDims) => c => c.Set(0, ElementType.Bool,
        BroadcastAll(c, 2), ValueBroadcast.Combine([c.Value(0), c.Value(1)], e => Compare(e[0], e[1], onNumbers, onDims)));

    static ShapeRule Logic(Func<Dim?, Dim?, Dim?> onDims) => c => c.Set(0, ElementType.Bool, BroadcastAll(c, 2),
        ValueBroadcast.Combine([c.Value(0), c.Value(1)], e => new Element(onDims(e[0].Dim, e[1].Dim))));

    static void Division(ShapeContext c) =>
        Binary((a, b) => a / b, c.Element(0).IsFloat() ? DivideExactly : Divide)(c);

    static void Remainder(ShapeContext c)
    {
        if (c.Node.Int("fmod") == 0)
            Binary((a, b) => a - (b * Math.Floor(a / b)), Modulo)(c);
        else
            Binary((a, b) => a % b, (a, b) => a.LowerBound >= 0 && b.LowerBound >= 1 ? Dim.Modulo(a, b) : null)(c);
    }

    static Dim? IntegerPower(Dim x, Dim exponent)
    {
        if (exponent.Constant is not (>= 0 and <= 8))
            return null;
        var power = Dim.One;
        for (var i = 0; i < exponent.Constant; i++)
            power *= x;
        return power;
    }

    static void Clip(ShapeContext c)
    {
        var type = c.Element(0);
        var value = c.Value(0);
        if (c.Has(1))
            value = ValueBroadcast.Combine([value, c.Value(1)], e => ElementArithmetic.Binary(e[0], e[1], type, Math.Max, Dim.Max));
        if (c.Has(2))
            value = ValueBroadcast.Combine([value, c.Value(2)], e => ElementArithmetic.Binary(e[0], e[1], type, Math.Min, Dim.Min));
        if (c.Node.Attributes.Count > 0)
            value = null;
        c.Set(0, type, c.Shape(0), value);
    }

    static void Where(ShapeContext c)
    {
        var type = c.Element(1) == ElementType.Undefined ? c.Element(2) : c.Element(1);
        var value = ValueBroadcast.Combine([c.Value(0), c.Value(1), c.Value(2)], e =>
            e[1].IsKnown && e[1] == e[2] ? e[1] : e[0].Number is { } condition ? e[condition != 0 ? 1 : 2] : Element.Unknown);
        c.Set(0, type, BroadcastAll(c, 3), value);
    }

    static void Cast(ShapeContext c, ElementType to) => c.Set(0, to, c.Shape(0), to == ElementType.Undefined ? null
        : c.Value(0)?.Select(e => ElementArithmetic.Cast(e, to)));

    static void Dropout(ShapeContext c)
    {
        c.Set(0, c.Element(0), c.Shape(0));
        c.Set(1, ElementType.Bool, c.Shape(0));
    }
}
