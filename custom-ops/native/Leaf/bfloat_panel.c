// The instructions of AVX512-BF16, which C# cannot emit. Device code only: what to multiply is decided in BFloatPanel.cs.
//
// A panel is 48 columns of pairs of bfloat16, [depth][48]; a row is pairs along the depth. Sums are fp32.
#include <immintrin.h>
#include <stdint.h>

#define BF16 __attribute__((target("avx512f,avx512bw,avx512bf16")))

enum { lanes = 16, vectors = 3, width = lanes * vectors, most_rows = 8 }; // 8×3 sums + 3 of b + 1 of a ≤ 32 registers.

// c[r][·] = (add ? c[r][·] : 0) + factor · Σₖ a[r · row + k · step] · b[k][·].
BF16 static inline __attribute__((always_inline)) void multiply(
    const int32_t *a, intptr_t row, intptr_t step, const int32_t *b, intptr_t depth, float *c, float factor, int add, const int rows)
{
    __m512 sums[most_rows][vectors];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) sums[r][v] = add ? _mm512_loadu_ps(c + r * width + v * lanes) : _mm512_setzero_ps();
    for (intptr_t k = 0; k < depth; k++, a += step, b += width)
    {
        __m512bh b0 = (__m512bh)_mm512_loadu_si512(b), b1 = (__m512bh)_mm512_loadu_si512(b + lanes), b2 = (__m512bh)_mm512_loadu_si512(b + 2 * lanes);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
        {
            __m512bh pair = (__m512bh)_mm512_set1_epi32(a[r * row]);
            sums[r][0] = _mm512_dpbf16_ps(sums[r][0], pair, b0);
            sums[r][1] = _mm512_dpbf16_ps(sums[r][1], pair, b1);
            sums[r][2] = _mm512_dpbf16_ps(sums[r][2], pair, b2);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            _mm512_storeu_ps(c + r * width + v * lanes, add ? sums[r][v] : _mm512_mul_ps(sums[r][v], _mm512_set1_ps(factor)));
}

// All rows of a product, eight at a time: row i starts at a + i / 8 · group + i % 8 · row. With add, factor is not looked at.
BF16 __attribute__((visibility("default"))) void onnxeff_bfloat_multiply(
    const int32_t *a, intptr_t group, intptr_t row, intptr_t step, const int32_t *b, intptr_t depth, float *c, intptr_t rows, float factor, int32_t add)
{
    for (; rows >= most_rows; rows -= most_rows, a += group, c += most_rows * width)
        if (add) multiply(a, row, step, b, depth, c, factor, 1, most_rows);
        else multiply(a, row, step, b, depth, c, factor, 0, most_rows);
    for (; rows > 0; rows--, a += row, c += width) multiply(a, row, step, b, depth, c, factor, add, 1);
}

// Rounds 2 · pairs rows of a panel, in place, to pairs rows of pairs: the even row below, the odd row above.
BF16 __attribute__((visibility("default"))) void onnxeff_bfloat_pack(float *panel, intptr_t pairs)
{
    const __m512i neighbours = _mm512_set_epi16(
        31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    int32_t *target = (int32_t *)panel;
    for (; pairs > 0; pairs--, panel += 2 * width, target += width)
        for (int v = 0; v < width; v += lanes)
        {
            __m512i halves = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(panel + width + v), _mm512_loadu_ps(panel + v));
            _mm512_storeu_si512(target + v, _mm512_permutexvar_epi16(neighbours, halves));
        }
}

void onnxeff_bfloat_functions(void **multiply_at, void **pack_at)
{
    *multiply_at = (void *)onnxeff_bfloat_multiply;
    *pack_at = (void *)onnxeff_bfloat_pack;
}
