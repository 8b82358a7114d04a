// The products of bytes of AVX512-VNNI, which C# cannot emit. Device code only: what to multiply is decided in BytePanels.cs.
//
// A panel is 48 tokens of groups of four signed bytes, [depth][48][4]; a weight is groups of four unsigned bytes. Eight groups, whose sum is an exact int32, have one step.
#include <immintrin.h>
#include <stdint.h>

#define VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

enum { lanes = 16, vectors = 3, width = lanes * vectors, most_rows = 4, groups = 8 }; // 2×4×3 sums + 3 of b + 1 of a ≤ 32 registers.

// c[r][·] = (add ? c[r][·] : 0) + scales[r] · Σₛ steps[s][·] · (starts[s][·] + Σₖ a[r · row + k · step] · b[k][·]), k over the groups of step s.
VNNI static inline __attribute__((always_inline)) void multiply(const int32_t *a, intptr_t row, intptr_t step, const int32_t *b, intptr_t count,
    const int32_t *starts, const float *steps, const float *scales, float *c, int add, const int rows)
{
    __m512 totals[most_rows][vectors];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) totals[r][v] = _mm512_setzero_ps();
    for (intptr_t s = 0; s < count; s++, starts += width, steps += width)
    {
        __m512i sums[most_rows][vectors];
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++) sums[r][v] = _mm512_loadu_si512(starts + v * lanes);
#pragma GCC unroll 8
        for (int k = 0; k < groups; k++, a += step, b += width)
        {
            __m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + lanes), b2 = _mm512_loadu_si512(b + 2 * lanes);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++)
            {
                __m512i four = _mm512_set1_epi32(a[r * row]);
                sums[r][0] = _mm512_dpbusd_epi32(sums[r][0], four, b0);
                sums[r][1] = _mm512_dpbusd_epi32(sums[r][1], four, b1);
                sums[r][2] = _mm512_dpbusd_epi32(sums[r][2], four, b2);
            }
        }
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                totals[r][v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[r][v]), _mm512_loadu_ps(steps + v * lanes), totals[r][v]);
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
        {
            float *target = c + r * width + v * lanes;
            __m512 scale = _mm512_set1_ps(scales[r]);
            _mm512_storeu_ps(target, add ? _mm512_fmadd_ps(totals[r][v], scale, _mm512_loadu_ps(target)) : _mm512_mul_ps(totals[r][v], scale));
        }
}

// All rows of a product over count steps.
VNNI __attribute__((visibility("default"))) void onnxeff_byte_multiply(const int32_t *a, intptr_t row, intptr_t step, const int32_t *b, intptr_t count,
    const int32_t *starts, const float *steps, const float *scales, float *c, intptr_t rows, int32_t add)
{
    for (; rows >= most_rows; rows -= most_rows, a += most_rows * row, scales += most_rows, c += most_rows * width)
        if (add) multiply(a, row, step, b, count, starts, steps, scales, c, 1, most_rows);
        else multiply(a, row, step, b, count, starts, steps, scales, c, 0, most_rows);
    for (; rows > 0; rows--, a += row, scales++, c += width) multiply(a, row, step, b, count, starts, steps, scales, c, add, 1);
}

void *onnxeff_byte_functions(void) { return (void *)onnxeff_byte_multiply; }
