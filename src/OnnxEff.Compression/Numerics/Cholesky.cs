using System.Numerics;

namespace OnnxEff.Compression;

/// <summary>The factor of a second moment by which error propagation works.</summary>
static class Cholesky
{
    const int Panel = 48; // Columns whose rows below are independent of each other, so that threads share them.

    /// <summary>
    /// The upper triangular M with H = M·Mᵀ, in double precision. It is the inverse of the factor U of H⁻¹ = Uᵀ·U that GPTQ's equations are written
    /// with, found without inverting H.
    /// </summary>
    /// <param name="symmetric">H [n, n], row-major.</param>
    /// <param name="n">n.</param>
    /// <returns>M, or null where H is not positive definite.</returns>
    public static double[]? Upper(ReadOnlySpan<float> symmetric, int n)
    {
        // The common lower factor of H read backwards, so that rows are contiguous from their first column.
        var lower = new double[n * n];
        for (var i = 0; i < n; i++)
            for (var j = 0; j <= i; j++) lower[i * n + j] = symmetric[(n - 1 - i) * n + (n - 1 - j)];
        if (!FactorLower(lower, n)) return null;
        var upper = new double[n * n];
        for (var i = 0; i < n; i++)
            for (var j = 0; j <= i; j++) upper[(n - 1 - i) * n + (n - 1 - j)] = lower[i * n + j];
        return upper;
    }

    /// <summary>Replaces the lower triangle of a symmetric matrix by L with L·Lᵀ equal to it; false where it is not positive definite.</summary>
    public static bool FactorLower(double[] matrix, int n)
    {
        for (var first = 0; first < n; first += Panel)
        {
            var end = Math.Min(first + Panel, n);
            for (var i = first; i < end; i++)
            {
                FinishRow(matrix, n, i, first, i);
                var rest = matrix[i * n + i] - Dot(matrix.AsSpan(i * n, i), matrix.AsSpan(i * n, i));
                if (!(rest > 0)) return false;
                matrix[i * n + i] = Math.Sqrt(rest);
            }
            var (from, to) = (first, end);
            Workers.For(to, n, i => FinishRow(matrix, n, i, from, to));
        }
        return true;
    }

    /// <summary>Solves L·Lᵀ·x = b in place.</summary>
    public static void Solve(double[] lower, int n, Span<double> b)
    {
        for (var i = 0; i < n; i++) b[i] = (b[i] - Dot(lower.AsSpan(i * n, i), b[..i])) / lower[i * n + i];
        for (var i = n - 1; i >= 0; i--)
        {
            b[i] /= lower[i * n + i];
            for (var j = 0; j < i; j++) b[j] -= lower[i * n + j] * b[i];
        }
    }

    static void FinishRow(double[] matrix, int n, int row, int first, int end)
    {
        Span<double> sums = stackalloc double[Panel];
        Dots(matrix, n, row, first, end, sums);
        for (var j = first; j < end; j++)
        {
            var inPanel = Dot(matrix.AsSpan(row * n + first, j - first), matrix.AsSpan(j * n + first, j - first));
            matrix[row * n + j] = (matrix[row * n + j] - sums[j - first] - inPanel) / matrix[j * n + j];
        }
    }

    /// <summary>Products of a row with the panel's, of the columns before the panel: four at a time, so that the row is read once for them.</summary>
    static void Dots(double[] matrix, int n, int row, int first, int end, Span<double> sums)
    {
        var own = matrix.AsSpan(row * n, first);
        var (j, width) = (first, Vector<double>.Count);
        for (; j + 4 <= end; j += 4)
        {
            var a = matrix.AsSpan(j * n, first);
            var b = matrix.AsSpan((j + 1) * n, first);
            var c = matrix.AsSpan((j + 2) * n, first);
            var d = matrix.AsSpan((j + 3) * n, first);
            Vector<double> sumA = default, sumB = default, sumC = default, sumD = default;
            var i = 0;
            for (; i + width <= own.Length; i += width)
            {
                var x = new Vector<double>(own[i..]);
                sumA += x * new Vector<double>(a[i..]);
                sumB += x * new Vector<double>(b[i..]);
                sumC += x * new Vector<double>(c[i..]);
                sumD += x * new Vector<double>(d[i..]);
            }
            var (ofA, ofB, ofC, ofD) = (Vector.Sum(sumA), Vector.Sum(sumB), Vector.Sum(sumC), Vector.Sum(sumD));
            for (; i < own.Length; i++) (ofA, ofB, ofC, ofD) = (ofA + own[i] * a[i], ofB + own[i] * b[i], ofC + own[i] * c[i], ofD + own[i] * d[i]);
            (sums[j - first], sums[j - first + 1], sums[j - first + 2], sums[j - first + 3]) = (ofA, ofB, ofC, ofD);
        }
        for (; j < end; j++) sums[j - first] = Dot(own, matrix.AsSpan(j * n, first));
    }

    static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        Vector<double> first = default, second = default;
        var (i, width) = (0, Vector<double>.Count);
        for (; i + 2 * width <= a.Length; i += 2 * width)
        {
            first += new Vector<double>(a[i..]) * new Vector<double>(b[i..]);
            second += new Vector<double>(a[(i + width)..]) * new Vector<double>(b[(i + width)..]);
        }
        var sum = Vector.Sum(first + second);
        for (; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
