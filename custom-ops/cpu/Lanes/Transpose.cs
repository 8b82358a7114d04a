namespace OnnxEff.CustomOps.Cpu;

/// <summary>Exchanges rows with lanes of a panel, as many as a vector has: quarters of four lanes are 4×4 matrices of neighbouring rows.</summary>
static unsafe class Transpose<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>target[i · width + r] = rows[r · length + i] for as many rows as a vector has lanes.</summary>
    public static void RowsToLanes(float* rows, int length, float* target, int width)
    {
        nint step = 4 * (nint)length;
        int i = 0;
        for (; i + 4 <= length; i += 4, target += 4 * width)
        {
            float* at = rows + i;
            TLanes a = TLanes.LoadQuads(at, step), b = TLanes.LoadQuads(at + length, step);
            TLanes c = TLanes.LoadQuads(at + 2 * length, step), d = TLanes.LoadQuads(at + 3 * length, step);
            TLanes.TransposeQuads(ref a, ref b, ref c, ref d);
            TLanes.Store(a, target);
            TLanes.Store(b, target + width);
            TLanes.Store(c, target + 2 * width);
            TLanes.Store(d, target + 3 * width);
        }
        for (; i < length; i++, target += width)
            for (int r = 0; r < TLanes.Count; r++) target[r] = rows[r * length + i];
    }

    /// <summary>rows[r · length + i] = factors[r] · source[i · width + r] for as many rows as a vector has lanes; length is a multiple of four.</summary>
    public static void LanesToRows(float* source, int width, int length, TLanes factors, float* rows)
    {
        nint step = 4 * (nint)length;
        for (int i = 0; i < length; i += 4, source += 4 * width)
        {
            float* at = rows + i;
            TLanes a = TLanes.Multiply(TLanes.Load(source), factors), b = TLanes.Multiply(TLanes.Load(source + width), factors);
            TLanes c = TLanes.Multiply(TLanes.Load(source + 2 * width), factors), d = TLanes.Multiply(TLanes.Load(source + 3 * width), factors);
            TLanes.TransposeQuads(ref a, ref b, ref c, ref d);
            TLanes.StoreQuads(a, at, step);
            TLanes.StoreQuads(b, at + length, step);
            TLanes.StoreQuads(c, at + 2 * length, step);
            TLanes.StoreQuads(d, at + 3 * length, step);
        }
    }
}
