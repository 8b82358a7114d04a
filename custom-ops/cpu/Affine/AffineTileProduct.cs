using System.Runtime.Intrinsics.X86;
using OnnxEff.Formats;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Whole tiles by one function that turns halves into floats in one instruction, and on AVX-512 multiplies words and adds them in one (VNNI).</summary>
public static unsafe class AffineTileProduct
{
    static delegate* unmanaged[Cdecl]<byte*, nint, int, int, short*, float*, int*, nint, nint, float*, nint, void> s_multiply;

    /// <summary>True where the processor has what the function of this level needs: the level v4 does not say that there is VNNI.</summary>
    public static bool ProcessorTakes { get; } = !Avx512F.IsSupported || BytePanels.ProcessorTakes;

    /// <summary>Gives the function onnxeff_affine_multiply of custom-ops/native/Leaf, or takes it away with 0.</summary>
    public static void Use(nint multiply) => s_multiply = (delegate* unmanaged[Cdecl]<byte*, nint, int, int, short*, float*, int*, nint, nint, float*, nint, void>)multiply;

    /// <summary>True when products are computed here.</summary>
    internal static bool Exists => s_multiply != null;

    /// <summary>y[t][o] = W·x[t] + bias, as <see cref="AffineProduct{TLanes, TWords, TBits}"/> has it.</summary>
    internal static void Run(AffineBlockLayout layout, byte* units, AffineInputs x, float* bias, float* y, int tokens, ParallelFor? parallel)
    {
        const int Rows = AffineBlockLayout.TileRows;
        int whole = layout.Outputs / Rows; // Tiles whose rows are all outputs: those go where they belong at once.
        Workers.RunRanges(parallel, layout.Tiles, (nuint)(tokens * Rows), (from, to, rest) =>
        {
            int count = Math.Min(to, whole) - from, first = from * Rows, last = Math.Min(to * Rows, layout.Outputs);
            if (count > 0) Multiply(from, count, y + first, layout.Outputs);
            if (to > whole)
            {
                Multiply(whole, 1, rest, Rows);
                for (int t = 0; t < tokens; t++) new Span<float>(rest + t * Rows, last - whole * Rows).CopyTo(new(y + (nint)t * layout.Outputs + whole * Rows, Rows));
            }
            for (int t = 0; t < tokens && bias != null; t++)
                for (int o = first; o < last; o++) y[(nint)t * layout.Outputs + o] += bias[o];
        });

        void Multiply(int tile, int tiles, float* target, nint step) => s_multiply(units + (nint)tile * layout.Blocks * layout.UnitBytes, tiles, layout.Bits,
            layout.HasMinima ? 1 : 0, x.Words, x.Steps, x.Sums, layout.Blocks, tokens, target, step);
    }
}
