using OnnxEff.Ir;

namespace OnnxEff.Ops;

/// <summary>The attribute accuracy_level of products with a stored weight, named and numbered as that of ONNX Runtime's MatMulNBits: what a kernel may round.</summary>
public static class AccuracyLevel
{
    /// <summary>The attribute's name.</summary>
    public const string Name = "accuracy_level";

    /// <summary>Nothing is rounded to bytes.</summary>
    public const int Full = 0;

    /// <summary>Activations and decoded weights may be rounded to one byte.</summary>
    public const int Bytes = 4;

    /// <summary>What level 4 is for many rows of input, in a declaration.</summary>
    internal const string ManyRows = "4: where the processor multiplies bytes (AVX512-VNNI), activations are rounded to one byte with one step for each row and 32 stored columns, and decoded weights with one for each row and 128: " +
        "each is at most 1/254 of the largest of those off, outputs of random activations and weights about 1e-2 of their size. " +
        "Where it multiplies words instead (AVX2), both have one step for each row and 128: activations are at most 1/16382 of the largest off, weights 1/4094, and outputs about 4e-4.";

    /// <summary>The declaration, where few rows of input have no levels of their own.</summary>
    internal static AttributeSchema Schema { get; } = new(Name, ElementType.Int64, Full, "Exactness of products with more than 16 rows of input. " + ManyRows + " 0: fp32.");

    /// <summary>Why a level means nothing, or null.</summary>
    /// <param name="level">The level.</param>
    /// <param name="name">What says it: a node's attribute, or an option.</param>
    public static string? Refuse(int level, string name = Name) => level is Full or Bytes ? null : $"{name} is {Full} or {Bytes}, not {level}.";
}
