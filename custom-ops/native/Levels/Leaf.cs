#if ONNXEFF_LEAF
using System.Runtime.InteropServices;
using OnnxEff.CustomOps.Cpu;
#endif

namespace OnnxEff.CustomOps.Native;

/// <summary>The C functions that are linked into this library, where it has any.</summary>
static unsafe partial class Leaf
{
    /// <summary>Hands the kernels what the processor runs.</summary>
    public static void Offer()
    {
#if ONNXEFF_LEAF
        if (AffineTileProduct.ProcessorTakes) AffineTileProduct.Use(AffineFunctions());
        if (QuadProduct.ProcessorTakes) QuadProduct.Use(LookupFunctions());
        nint four, eight;
        PanelFunctions(&four, &eight);
        FloatPanel.Use(four, eight);
        WordPanels.Use(WordFunctions());
#endif
#if ONNXEFF_LEAF && ONNXEFF_ISA_V4
        if (BytePanels.ProcessorTakes) BytePanels.Use(ByteFunctions());
        if (ByteCentroids.ProcessorTakes) ByteCentroids.Use(CentroidFunctions());
        if (!BFloatPanel.ProcessorTakes) return;
        nint multiply, pack;
        BFloatFunctions(&multiply, &pack);
        BFloatPanel.Use(multiply, pack);
#endif
    }

#if ONNXEFF_LEAF
    [LibraryImport("onnxeff_leaf", EntryPoint = "onnxeff_affine_functions")]
    private static partial nint AffineFunctions();

    [LibraryImport("onnxeff_leaf", EntryPoint = "onnxeff_lookup_functions")]
    private static partial nint LookupFunctions();

    [LibraryImport("onnxeff_leaf", EntryPoint = "onnxeff_panel_functions")]
    private static partial void PanelFunctions(nint* four, nint* eight);

    [LibraryImport("onnxeff_leaf", EntryPoint = "onnxeff_word_functions")]
    private static partial nint WordFunctions();
#endif

#if ONNXEFF_LEAF && ONNXEFF_ISA_V4
    [LibraryImport("onnxeff_leaf", EntryPoint = "onnxeff_bfloat_functions")]
    private static partial void BFloatFunctions(nint* multiply, nint* pack);

    [LibraryImport("onnxeff_leaf", EntryPoint = "onnxeff_byte_functions")]
    private static partial nint ByteFunctions();

    [LibraryImport("onnxeff_leaf", EntryPoint = "onnxeff_centroids_functions")]
    private static partial nint CentroidFunctions();
#endif
}
