using System.Runtime.Intrinsics;

namespace OnnxEff.CustomOps.Cpu;

/// <summary>Exchanges four rows with four lanes of a panel.</summary>
static unsafe class Transpose
{
    /// <summary>target[i · width + r] = rows[r · length + i] for four rows.</summary>
    public static void RowsToLanes(float* rows, int length, float* target, int width)
    {
        int i = 0;
        for (; i + 4 <= length; i += 4, target += 4 * width)
        {
            Vector128<float> a = Vector128.Load(rows + i), b = Vector128.Load(rows + length + i);
            Vector128<float> c = Vector128.Load(rows + 2 * length + i), d = Vector128.Load(rows + 3 * length + i);
            Quads.Transpose(ref a, ref b, ref c, ref d);
            a.Store(target);
            b.Store(target + width);
            c.Store(target + 2 * width);
            d.Store(target + 3 * width);
        }
        for (; i < length; i++, target += width)
            for (int r = 0; r < 4; r++) target[r] = rows[r * length + i];
    }

    /// <summary>target[i / 4][row][i % 4] = rows[row · width + i]; columns behind the last one repeat it.</summary>
    public static void ColumnsOfFour(float* rows, int count, int width, float* target)
    {
        int i = 0;
        for (; i + 4 <= width; i += 4)
        {
            float* source = rows + i;
            for (float* end = target + 4L * count; target < end; target += 4, source += width) Vector128.Load(source).Store(target);
        }
        for (; i < width; i += 4)
            for (int row = 0; row < count; row++, target += 4)
                for (int c = 0; c < 4; c++) target[c] = rows[(long)row * width + Math.Min(i + c, width - 1)];
    }

    /// <summary>rows[r · length + i] = source[i · width + r] for four rows; length is a multiple of four.</summary>
    public static void LanesToRows(float* source, int width, int length, float* rows)
    {
        for (int i = 0; i < length; i += 4, source += 4 * width)
        {
            Vector128<float> a = Vector128.Load(source), b = Vector128.Load(source + width);
            Vector128<float> c = Vector128.Load(source + 2 * width), d = Vector128.Load(source + 3 * width);
            Quads.Transpose(ref a, ref b, ref c, ref d);
            a.Store(rows + i);
            b.Store(rows + length + i);
            c.Store(rows + 2 * length + i);
            d.Store(rows + 3 * length + i);
        }
    }
}
