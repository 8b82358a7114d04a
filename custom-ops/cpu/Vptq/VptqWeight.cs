using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>What a weight says once for all calls.</summary>
/// <param name="layout">Its sizes.</param>
public sealed unsafe class VptqWeight(VptqLayout layout)
{
    const int Line = 64;

    byte[]? _tables; // Pinned.

    /// <summary>Its sizes.</summary>
    public VptqLayout Layout => layout;

    /// <summary>Bytes from the tables of a group to the next's: whole lines.</summary>
    internal nint TableBytes => (CentroidTables.Bytes(layout.VectorLength) + Line - 1) / Line * Line;

    /// <summary>The <see cref="CentroidTables"/> of all groups, on a line. The first call that wants them makes them: they are small beside the codes.</summary>
    internal byte* Tables<TLanes>(VptqTensors tensors) where TLanes : unmanaged, ILanes<TLanes>
    {
        byte[] tables = Volatile.Read(ref _tables) ?? Make<TLanes>(tensors);
        Volatile.Write(ref _tables, tables); // Calls at once may each have made their own.
        return OnLine(tables);
    }

    static byte* OnLine(byte[] pinned)
    {
        fixed (byte* first = pinned) return (byte*)((nuint)(first + Line - 1) / Line * Line);
    }

    byte[] Make<TLanes>(VptqTensors tensors) where TLanes : unmanaged, ILanes<TLanes>
    {
        using var main = new Scratch(PaddedCodebook.ScratchFloats(tensors.Codebook) * sizeof(float));
        using var residual = new Scratch(PaddedCodebook.ScratchFloats(tensors.ResidualCodebook) * sizeof(float));
        VectorColumns[] groups = VectorColumns.Groups(layout, tensors.Codes, PaddedCodebook.Expand<TLanes>(tensors.Codebook, (float*)main.Bytes),
            PaddedCodebook.Expand<TLanes>(tensors.ResidualCodebook, (float*)residual.Bytes));
        byte[] tables = GC.AllocateUninitializedArray<byte>(checked((int)(groups.Length * TableBytes) + Line), pinned: true);
        for (int g = 0; g < groups.Length; g++) CentroidTables.Write(groups[g], layout.Centroids, layout.ResidualCentroids, OnLine(tables) + g * TableBytes);
        return tables;
    }
}
