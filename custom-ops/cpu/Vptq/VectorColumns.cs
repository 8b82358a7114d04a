using System.Numerics;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Something that is done with some columns, for one kind of codes.</summary>
interface IColumnWork
{
    /// <summary>Does it for columns from one to another.</summary>
    void Run<TCodes, TStages>(int from, int to) where TCodes : ICodeReader where TStages : IStages;
}

/// <summary>Stored columns that share codebooks: a group, or the outliers.</summary>
sealed unsafe class VectorColumns
{
    /// <summary>First stored column.</summary>
    public required int First { get; init; }

    /// <summary>Number of columns.</summary>
    public required int Count { get; init; }

    /// <summary>Outputs of a vector.</summary>
    public required int VectorLength { get; init; }

    /// <summary>Vectors of a column.</summary>
    public required int Vectors { get; init; }

    /// <summary>The rows of codes, one for each vector.</summary>
    public required byte* Codes { get; init; }

    /// <summary>Bytes from a row to the next.</summary>
    public required nint RowBytes { get; init; }

    /// <summary>Sizes of a code.</summary>
    public required CodeWidth Width { get; init; }

    /// <summary>True where a code holds a second index, of a residual centroid.</summary>
    public required bool HasResidual { get; init; }

    /// <summary>Main centroids, filled up to <see cref="Stride"/>; null for those who want codes only.</summary>
    public required float* Main { get; init; }

    /// <summary>Residual centroids, or null.</summary>
    public float* Residual { get; init; }

    /// <summary>Floats from a centroid to the next.</summary>
    public int Stride => PaddedCodebook.Stride(VectorLength);

    /// <summary>Its logarithm: kernels shift, since a product for each index is what they would wait for.</summary>
    public int StrideBits => BitOperations.Log2((uint)Stride);

    /// <summary>The codes of a vector; of the last one for those behind it.</summary>
    public byte* Row(int vector) => Codes + Math.Min(vector, Vectors - 1) * RowBytes;

    /// <summary>Does work with columns, in pieces of one kind of codes.</summary>
    public void Visit<TWork>(ref TWork work, int from, int to) where TWork : struct, IColumnWork
    {
        if (HasResidual) Visit<TWork, TwoStages>(ref work, from, to);
        else Visit<TWork, OneStage>(ref work, from, to);
    }

    void Visit<TWork, TStages>(ref TWork work, int from, int to) where TWork : struct, IColumnWork where TStages : IStages
    {
        if (Width.Bits == 8) work.Run<ByteCodes, TStages>(from, to);
        else if (Width is { Bits: 16, MainBits: 8 }) work.Run<BytePairs, TStages>(from, to);
        else if (Width.Bits == 16) work.Run<ShortCodes, TStages>(from, to);
        else
        {
            int last = Math.Clamp(PackedCodes.Columns(Width), from, to);
            if (from < last) work.Run<PackedCodes, TStages>(from, last);
            if (last < to) work.Run<LastCodes, TStages>(last, to);
        }
    }

    /// <summary>The groups of a layer.</summary>
    public static VectorColumns[] Groups(VptqLayout layout, TensorPointer codes, float* main, float* residual)
    {
        int stride = PaddedCodebook.Stride(layout.VectorLength);
        nint rowBytes = (nint)layout.RowWords * sizeof(int);
        var groups = new VectorColumns[layout.Groups];
        for (int g = 0; g < groups.Length; g++)
            groups[g] = new()
            {
                First = layout.OutlierColumns + g * layout.GroupSize,
                Count = layout.GroupSize,
                VectorLength = layout.VectorLength,
                Vectors = layout.Vectors,
                Codes = (byte*)codes.Data + (nint)g * layout.Vectors * rowBytes,
                RowBytes = rowBytes,
                Width = new(layout.CodeBits, layout.MainBits, layout.RowWords),
                HasResidual = layout.ResidualCentroids > 0,
                Main = main == null ? null : main + (nint)g * layout.Centroids * stride,
                Residual = residual == null ? null : residual + (nint)g * layout.ResidualCentroids * stride,
            };
        return groups;
    }

    /// <summary>The outlier columns of a layer that has some.</summary>
    public static VectorColumns Outliers(VptqLayout layout, TensorPointer codes, float* main) => new()
    {
        First = 0,
        Count = layout.OutlierColumns,
        VectorLength = layout.OutlierVectorLength,
        Vectors = layout.OutlierVectors,
        Codes = (byte*)codes.Data,
        RowBytes = (nint)layout.OutlierColumns * sizeof(ushort),
        Width = new(16, 16, 0),
        HasResidual = false,
        Main = main,
    };
}
