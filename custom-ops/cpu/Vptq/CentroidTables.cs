using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>
/// A group's codebooks rounded to bytes: for each component of a centroid a table of the main ones and one of the residual ones, with one step for both, so that a
/// weight, which is the sum of two, is a byte, too.
/// </summary>
static unsafe class CentroidTables
{
    /// <summary>Centroids of a table; those behind the last are never looked up.</summary>
    public const int Entries = 256;

    /// <summary>What is added to main centroids, and so to each weight: it is a byte without a sign.</summary>
    public const int Middle = ByteSteps.Most + 1;

    const int Most = ByteSteps.Most, Lanes = 16;

    /// <summary>Bytes of all tables and steps of a group.</summary>
    public static int Bytes(int components) => Even(components) * (2 * Entries + sizeof(float));

    /// <summary>The steps behind the tables.</summary>
    public static float* Steps(byte* tables, int components) => (float*)(tables + Even(components) * 2 * Entries);

    // Two are looked up at a time.
    static int Even(int components) => (components + 1) / 2 * 2;

    /// <summary>Rounds the centroids of a group. A component with one that is not finite has a step that is NaN.</summary>
    /// <param name="columns">The group.</param>
    /// <param name="centroids">Main centroids.</param>
    /// <param name="residuals">Residual ones, or 0.</param>
    /// <param name="tables">[components, 2, 256] and the steps.</param>
    public static void Write(VectorColumns columns, int centroids, int residuals, byte* tables)
    {
        int stride = columns.Stride;
        float* factors = stackalloc float[Lanes], main = stackalloc float[Lanes], residual = stackalloc float[Lanes], steps = Steps(tables, columns.VectorLength);
        Greatest(columns.Main, centroids * stride, main);
        Greatest(columns.Residual, residuals * stride, residual);
        int most = residuals > 0 ? Most - 1 : Most; // Both may be rounded up.
        for (int lane = 0; lane < Lanes; lane++)
        {
            float step = ByteSteps.Of(OfComponent(main, lane % stride, stride) + OfComponent(residual, lane % stride, stride), 0, out factors[lane], most);
            if (lane < columns.VectorLength) steps[lane] = step;
        }
        Round(columns, columns.Main, centroids, factors, Middle, tables);
        Round(columns, columns.Residual, residuals, factors, 0, tables + Entries);
    }

    // A component has as many lanes as there are centroids in a register.
    static float OfComponent(float* lanes, int component, int stride)
    {
        float top = lanes[component];
        for (int i = component + stride; i < Lanes; i += stride) top = MathF.Max(top, lanes[i]);
        return top;
    }

    // The largest amount of each lane; NaN where one is not finite.
    static void Greatest(float* source, int count, float* target)
    {
        Vector512<float> top = default, odd = default;
        int i = 0;
        for (; i + Lanes <= count; i += Lanes) ByteSteps.Meet(Vector512.Load(source + i), ref top, ref odd);
        (top + odd).Store(target);
        for (; i < count; i++) target[i % Lanes] = MathF.Max(target[i % Lanes], MathF.Abs(source[i]) + source[i] * 0);
    }

    static void Round(VectorColumns columns, float* source, int centroids, float* factors, byte moved, byte* tables)
    {
        int stride = columns.Stride, components = columns.VectorLength, count = Vector512<byte>.Count / stride, c = 0;
        byte* order = stackalloc byte[Vector512<byte>.Count], bytes = stackalloc byte[Vector512<byte>.Count];
        for (int i = 0; i < Vector512<byte>.Count; i++) order[i] = (byte)(i % count * stride + i / count); // From [centroids, components] to [components, centroids].
        Vector512<byte> apart = Vector512.Load(order);
        Vector512<float> factor = Vector512.Load(factors);
        for (; c + count <= centroids; c += count, source += Vector512<byte>.Count)
        {
            for (int i = 0; i < Vector512<byte>.Count; i += Lanes)
                Avx512F.ConvertToVector128SByteWithSaturation(Avx512F.ConvertToVector512Int32(Vector512.Load(source + i) * factor)).AsByte().Store(bytes + i);
            (Avx512Vbmi.PermuteVar64x8(Vector512.Load(bytes), apart) + Vector512.Create(moved)).Store(bytes);
            for (int i = 0; i < components; i++)
            {
                byte* from = bytes + i * count;
                byte* to = tables + i * 2 * Entries + c;
                if (count == 8) *(long*)to = *(long*)from;
                else if (count == 4) *(int*)to = *(int*)from;
                else *(Vector128<byte>*)to = *(Vector128<byte>*)from;
            }
        }
        for (; c < centroids; c++, source += stride)
            for (int i = 0; i < components; i++) tables[i * 2 * Entries + c] = (byte)((int)Math.Clamp(MathF.Round(source[i] * factors[i]), -Most, Most) + moved);
    }
}
