#if ONNXEFF_LEAF
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
#endif

namespace OnnxEff.Cli;

/// <summary>The C functions that are linked into the published program, where it has any.</summary>
static unsafe partial class Leaf
{
    /// <summary>Hands the loops of quantising what the processor runs.</summary>
    public static void Offer()
    {
#if ONNXEFF_LEAF
        if (RuntimeFeature.IsDynamicCodeSupported) return; // Not published: compiled for this processor while it runs, and nothing is linked.
        int most = Environment.GetEnvironmentVariable("ONNXEFF_ISA") switch { "baseline" => 0, "v3" => 3, _ => 4 };
        nint multiply, addMany, nearest;
        TileFunctions(most, &multiply, &addMany, &nearest);
        Compression.TileFunctions.Use(multiply, addMany, nearest);
#endif
    }

#if ONNXEFF_LEAF
    [LibraryImport("onnxeff_leaf", EntryPoint = "onnxeff_tile_functions")]
    private static partial void TileFunctions(int most, nint* multiply, nint* addMany, nint* nearest);
#endif
}
