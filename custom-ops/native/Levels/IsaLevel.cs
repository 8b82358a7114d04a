#if ONNXEFF_ISA_V4
global using LevelLanes = OnnxEff.CustomOps.Cpu.V512;
#elif ONNXEFF_ISA_V3
global using LevelLanes = OnnxEff.CustomOps.Cpu.V256;
#else
global using LevelLanes = OnnxEff.CustomOps.Cpu.V128;
#endif

namespace OnnxEff.CustomOps.Native;

/// <summary>Instruction set levels of x86-64 that a library exists for.</summary>
enum IsaLevel
{
    /// <summary>What every processor of the architecture has.</summary>
    Baseline,

    /// <summary>AVX2, FMA, BMI.</summary>
    V3,

    /// <summary>AVX-512 F, BW, CD, DQ, VL.</summary>
    V4,
}

/// <summary>The level that this library was compiled for.</summary>
static class Compiled
{
#if ONNXEFF_ISA_V4
    public const IsaLevel Level = IsaLevel.V4;
#elif ONNXEFF_ISA_V3
    public const IsaLevel Level = IsaLevel.V3;
#else
    public const IsaLevel Level = IsaLevel.Baseline;
#endif
}
