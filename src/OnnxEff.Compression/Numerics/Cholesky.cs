using System.Numerics;

namespace OnnxEff.Compression;

/// <summary>The factor of a second moment by which error propagation works.</summary>
static class Cholesky
{
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
        const int Panel = 48; // Columns whose rows below are independent of each other, so that threads share them.
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
            Parallel.For(to, n, i => FinishRow(matrix, n, i, from, to));
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
        for (var j = first; j < end; j++)
            matrix[row * n + j] = (matrix[row * n + j] - Dot(matrix.AsSpan(row * n, j), matrix.AsSpan(j * n, j))) / matrix[j * n + j];
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
