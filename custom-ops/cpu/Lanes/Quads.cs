using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Four vectors of four floats seen as a 4×4 matrix.</summary>
static class Quads
{
    /// <summary>Lane i of the result is the sum of the i-th vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sum(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        Transpose(ref a, ref b, ref c, ref d);
        return a + b + (c + d);
    }

    /// <summary>Exchanges rows and columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(ref Vector128<float> a, ref Vector128<float> b, ref Vector128<float> c, ref Vector128<float> d)
    {
        Vector128<double> low0 = Low(a, b).AsDouble(), high0 = High(a, b).AsDouble();
        Vector128<double> low1 = Low(c, d).AsDouble(), high1 = High(c, d).AsDouble();
        a = Vector128.Create(low0.GetLower(), low1.GetLower()).AsSingle();
        b = Vector128.Create(low0.GetUpper(), low1.GetUpper()).AsSingle();
        c = Vector128.Create(high0.GetLower(), high1.GetLower()).AsSingle();
        d = Vector128.Create(high0.GetUpper(), high1.GetUpper()).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> Low(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b) : Vector128.Create(a[0], b[0], a[1], b[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> High(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b) : Vector128.Create(a[2], b[2], a[3], b[3]);
}
