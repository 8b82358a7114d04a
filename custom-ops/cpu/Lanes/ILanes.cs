using System.Runtime.Intrinsics;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>A vector of floats of one width. Kernels are written once over it and compiled once per width.</summary>
/// <remarks>Members map to one instruction or a few; a wrapper of one vector field stays in a register.</remarks>
public unsafe interface ILanes<TSelf> where TSelf : unmanaged, ILanes<TSelf>
{
    /// <summary>Floats in a vector: 4, 8 or 16.</summary>
    static abstract int Count { get; }

    /// <summary>The same value in every lane.</summary>
    static abstract TSelf Create(float value);

    /// <summary>Four floats repeated over the vector.</summary>
    static abstract TSelf Repeat(Vector128<float> four);

    /// <summary>Reads <see cref="Count"/> floats; no alignment is needed.</summary>
    static abstract TSelf Load(float* source);

    /// <summary>Reads four floats from each of source, source + stride, … until the vector is full.</summary>
    static abstract TSelf LoadQuads(float* source, nint stride);

    /// <summary>Reads <see cref="Count"/> IEEE half floats.</summary>
    static abstract TSelf LoadHalf(ushort* source);

    /// <summary>As <see cref="LoadHalf"/>, in half as many instructions, where no half is infinite or NaN.</summary>
    static abstract TSelf LoadFiniteHalf(ushort* source);

    /// <summary>True when no IEEE half float is infinite or NaN.</summary>
    static abstract bool AllFiniteHalves(ushort* source, long count);

    /// <summary>Reads <see cref="Count"/> bfloat16.</summary>
    static abstract TSelf LoadBFloat(ushort* source);

    /// <summary>Writes <see cref="Count"/> floats.</summary>
    static abstract void Store(TSelf value, float* target);

    /// <summary>Writes four floats to each of target, target + stride, … until the vector is written.</summary>
    static abstract void StoreQuads(TSelf value, float* target, nint stride);

    /// <summary>Writes <see cref="Count"/> IEEE half floats, rounded to nearest even.</summary>
    static abstract void StoreHalf(TSelf value, ushort* target);

    /// <summary>Writes <see cref="Count"/> bfloat16, rounded to nearest even.</summary>
    static abstract void StoreBFloat(TSelf value, ushort* target);

    /// <summary>Writes <see cref="Count"/> bytes: floats from 0 to 255, rounded to the nearest integer.</summary>
    static abstract void StoreBytes(TSelf value, byte* target);

    /// <summary>a·b + c; fused where the level has the instruction.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>a·b + c with b from memory: one instruction, where a vector that was loaded before takes three.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, float* b, TSelf c);

    /// <summary>a + b.</summary>
    static abstract TSelf Add(TSelf a, TSelf b);

    /// <summary>a - b.</summary>
    static abstract TSelf Subtract(TSelf a, TSelf b);

    /// <summary>a · b.</summary>
    static abstract TSelf Multiply(TSelf a, TSelf b);

    /// <summary>a / b.</summary>
    static abstract TSelf Divide(TSelf a, TSelf b);

    /// <summary>The larger of each lane; b where either is NaN.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>yes where a &lt; b, else no.</summary>
    static abstract TSelf SelectLess(TSelf a, TSelf b, TSelf yes, TSelf no);

    /// <summary>yes where the bit is set in the lane's word, else no.</summary>
    static abstract TSelf SelectBit(int* words, int bit, TSelf yes, TSelf no);

    /// <summary>mantissa · 2^n, where the low bits of the float <paramref name="shifted"/> hold n.</summary>
    static abstract TSelf AddExponent(TSelf mantissa, TSelf shifted);

    /// <summary>True when some lane of a differs from b.</summary>
    static abstract bool AnyDiffers(TSelf a, TSelf b);

    /// <summary>Exchanges rows and columns of the 4×4 matrices that the quarters of four lanes of the vectors are.</summary>
    static abstract void TransposeQuads(ref TSelf a, ref TSelf b, ref TSelf c, ref TSelf d);

    /// <summary>The sums of four vectors.</summary>
    static abstract Vector128<float> Sum4(TSelf a, TSelf b, TSelf c, TSelf d);

    /// <summary>Sum of the vector's quarters of four lanes.</summary>
    static abstract Vector128<float> FoldAdd(TSelf value);

    /// <summary>Maximum of the vector's quarters of four lanes.</summary>
    static abstract Vector128<float> FoldMax(TSelf value);
}
