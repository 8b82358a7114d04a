// The products of Panel.cs. C# can say them, but its compiler moves sums from register to register and lets loops begin anywhere, which takes longer.
// Device code only.
#include <immintrin.h>
#include <stdint.h>

#ifdef ONNXEFF_ISA_V4
#define TARGET __attribute__((target("avx512f")))
typedef __m512 floats;
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#define CREATE _mm512_set1_ps
#define MULTIPLY_ADD _mm512_fmadd_ps
#else
#define TARGET __attribute__((target("avx2,fma")))
typedef __m256 floats;
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps
#define CREATE _mm256_set1_ps
#define MULTIPLY_ADD _mm256_fmadd_ps
#endif

enum { lanes = sizeof(floats) / sizeof(float), vectors = 3, width = lanes * vectors, most_rows = 8 };

// c[r][·] = (add ? c[r][·] : 0) + Σₖ a[r][k · step] · b[k][·] for some rows.
TARGET static inline __attribute__((always_inline)) void multiply(const float *const *a, intptr_t step, const float *b, intptr_t depth, float *c, int add, const int rows)
{
    floats sums[most_rows][vectors];
    const float *row[most_rows];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
    {
        row[r] = a[r];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) sums[r][v] = add ? LOAD(c + r * width + v * lanes) : CREATE(0);
    }
    for (intptr_t k = 0, at = 0; k < depth; k++, at += step, b += width)
    {
        floats b0 = LOAD(b), b1 = LOAD(b + lanes), b2 = LOAD(b + 2 * lanes);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
        {
            floats x = CREATE(row[r][at]);
            sums[r][0] = MULTIPLY_ADD(x, b0, sums[r][0]);
            sums[r][1] = MULTIPLY_ADD(x, b1, sums[r][1]);
            sums[r][2] = MULTIPLY_ADD(x, b2, sums[r][2]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) STORE(c + r * width + v * lanes, sums[r][v]);
}

TARGET static void multiply_four(const float *a0, const float *a1, const float *a2, const float *a3, intptr_t step, const float *b, intptr_t depth, float *c, int32_t add)
{
    const float *const rows[] = {a0, a1, a2, a3};
    multiply(rows, step, b, depth, c, add, 4);
}

#ifdef ONNXEFF_ISA_V4
TARGET static void multiply_eight(const float *a, const float *second, intptr_t row, intptr_t step, const float *b, intptr_t depth, float *c, int32_t add)
{
    const float *const rows[] = {a, a + row, a + 2 * row, a + 3 * row, second, second + row, second + 2 * row, second + 3 * row};
    multiply(rows, step, b, depth, c, add, 8);
}
#endif

void onnxeff_panel_functions(void **four, void **eight)
{
    *four = (void *)multiply_four;
#ifdef ONNXEFF_ISA_V4
    *eight = (void *)multiply_eight;
#else
    *eight = 0; // There are not the registers for eight rows.
#endif
}
