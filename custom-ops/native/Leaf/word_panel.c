// The products of words that AVX2 multiplies in pairs. C# can say them, but not keep twelve sums in registers. Device code only: what to multiply is decided in WordPanels.cs.
//
// A panel is 24 tokens of pairs of signed words, [pairs][24][2]; a weight is pairs, too. A sum of 128 products is an exact int32.
#include <immintrin.h>
#include <stdint.h>

#define TARGET __attribute__((target("avx2,fma")))

typedef int32_t ints __attribute__((vector_size(32))); // With the type of the instruction's operands gcc keeps sums where they are.

enum { lanes = 8, vectors = 3, width = lanes * vectors, most_rows = 4 }; // 4×3 sums + 2 of b + 1 of a + 1 product = 16 registers; the third of b is read from memory.

// c[r][·] = (add ? c[r][·] : 0) + scales[r] · steps[·] · Σₖ a[r · row + k · step] · b[k][·].
TARGET static inline __attribute__((always_inline)) void multiply(
    const int32_t *a, intptr_t row, intptr_t step, const int32_t *b, intptr_t pairs, const float *steps, const float *scales, float *c, int add, const int rows)
{
    ints sums[most_rows][vectors];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) sums[r][v] = (ints){0};
    for (intptr_t k = 0; k < pairs; k++, a += step, b += width)
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
        {
            __m256i pair = _mm256_set1_epi32(a[r * row]);
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
            {
                sums[r][v] += (ints)_mm256_madd_epi16(pair, _mm256_loadu_si256((const __m256i *)(b + v * lanes)));
                __asm__("" : "+x"(sums[r][v])); // Now: gcc would gather products first, more of them than there are registers.
            }
        }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
        {
            float *target = c + r * width + v * lanes;
            __m256 total = _mm256_mul_ps(_mm256_cvtepi32_ps((__m256i)sums[r][v]), _mm256_loadu_ps(steps + v * lanes)), scale = _mm256_set1_ps(scales[r]);
            _mm256_storeu_ps(target, add ? _mm256_fmadd_ps(total, scale, _mm256_loadu_ps(target)) : _mm256_mul_ps(total, scale));
        }
}

// All rows of a product.
TARGET __attribute__((visibility("default"))) void onnxeff_word_multiply(
    const int32_t *a, intptr_t row, intptr_t step, const int32_t *b, intptr_t pairs, const float *steps, const float *scales, float *c, intptr_t rows, int32_t add)
{
    for (; rows >= most_rows; rows -= most_rows, a += most_rows * row, scales += most_rows, c += most_rows * width)
        multiply(a, row, step, b, pairs, steps, scales, c, add, most_rows);
    for (; rows > 0; rows--, a += row, scales++, c += width) multiply(a, row, step, b, pairs, steps, scales, c, add, 1);
}

void *onnxeff_word_functions(void) { return (void *)onnxeff_word_multiply; }
