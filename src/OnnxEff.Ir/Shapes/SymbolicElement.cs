using System.Globalization;

namespace OnnxEff.Ir.Shapes;

/// <summary>One element of a small tensor, as far as it is known.</summary>
public readonly record struct SymbolicElement
{
    readonly double _fraction;
    readonly bool _hasFraction;

    /// <summary>An integer, a boolean (0 or 1) or a size; null if not known.</summary>
    public SymbolicElement(Dim? dim) => Dim = dim;

    SymbolicElement(double fraction) => (_fraction, _hasFraction) = (fraction, true);

    /// <summary>The integer or size, or null if the element is not known or is a number that is no integer.</summary>
    public Dim? Dim { get; }

    /// <summary>The known number, or null if it is not known or depends on a symbol.</summary>
    public double? Number => _hasFraction ? _fraction : Dim?.Constant;

    /// <summary>True if the element is a number or a size.</summary>
    public bool IsKnown => _hasFraction || Dim is not null;

    /// <summary>Nothing is known.</summary>
    public static SymbolicElement Unknown => default;

    /// <summary>A number of a float tensor.</summary>
    public static SymbolicElement OfNumber(double number) =>
        Math.Abs(number) < 1L << 53 && number == Math.Floor(number) && !(number == 0 && double.IsNegative(number))
            ? new((Dim)(long)number) : new(number);

    /// <summary>The element as text.</summary>
    public override string ToString() => _hasFraction ? _fraction.ToString(CultureInfo.InvariantCulture) : Dim?.ToString() ?? "?";
}
