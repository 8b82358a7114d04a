using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// The product with codes of 4 bits by one function a level. Where the processor looks bytes up in whole registers (AVX-512 VBMI) and sums four of them (VNNI), one register
/// holds the tables of a unit, and what it finds for the four groups of a row is added up at once; with AVX2 loops keep their sums in registers.
/// </summary>
public static unsafe class QuadProduct
{
    static delegate* unmanaged[Cdecl]<byte*, nint, nint, nint, byte*, float*, nint, nint, float*, void> s_add;

    /// <summary>True where the processor has what the function of this level needs.</summary>
    public static bool ProcessorTakes { get; } = !Avx512F.IsSupported || ByteCentroids.ProcessorTakes;

    /// <summary>Gives the function onnxeff_lookup_add of custom-ops/native/Leaf, or takes it away with 0.</summary>
    public static void Use(nint add) => s_add = (delegate* unmanaged[Cdecl]<byte*, nint, nint, nint, byte*, float*, nint, nint, float*, void>)add;

    /// <summary>True when products are computed here.</summary>
    internal static bool Exists => s_add != null;

    /// <summary>Adds the products of some tiles, as many as <see cref="LookupProduct{TBytes, TLookup}"/> takes at once or fewer, and all tokens.</summary>
    /// <param name="codes">The first tile's codes.</param>
    /// <param name="tiles">Tiles.</param>
    /// <param name="together">How many of them take turns.</param>
    /// <param name="units">Units of a tile.</param>
    /// <param name="tables">Tables in the order of <see cref="TableLayout"/>.</param>
    /// <param name="scales">Their scales.</param>
    /// <param name="layout">Tokens and planes.</param>
    /// <param name="sums">[tokens, tiles at once, 64]</param>
    internal static void Add(byte* codes, int tiles, int together, int units, byte* tables, float* scales, TableLayout layout, float* sums) =>
        s_add(codes, tiles, together, units, tables, scales, layout.Tokens, layout.Planes, sums);
}
