using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>The products of <see cref="Panel{TLanes}"/> by C functions of the level, where it has some. They take a microsecond: nothing waits for a collector meanwhile.</summary>
public static unsafe class FloatPanel
{
    /// <summary>As <see cref="Panel{TLanes}.Multiply"/>, or null.</summary>
    internal static delegate* unmanaged[Cdecl, SuppressGCTransition]<float*, float*, float*, float*, nint, float*, nint, float*, int, void> Four;

    /// <summary>As <see cref="Panel{TLanes}.MultiplyEight"/>, or null.</summary>
    internal static delegate* unmanaged[Cdecl, SuppressGCTransition]<float*, float*, nint, nint, float*, nint, float*, int, void> Eight;

    /// <summary>Gives the functions of custom-ops/native/Leaf/float_panel.c, or takes them away with 0.</summary>
    public static void Use(nint four, nint eight)
    {
        Four = (delegate* unmanaged[Cdecl, SuppressGCTransition]<float*, float*, float*, float*, nint, float*, nint, float*, int, void>)four;
        Eight = (delegate* unmanaged[Cdecl, SuppressGCTransition]<float*, float*, nint, nint, float*, nint, float*, int, void>)eight;
    }

    /// <summary>True for the width of the level's functions.</summary>
    internal static bool Takes<TLanes>() where TLanes : unmanaged, ILanes<TLanes> => TLanes.Count == (Avx512F.IsSupported ? V512.Count : V256.Count);
}
