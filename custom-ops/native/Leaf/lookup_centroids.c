// Products of centroids of bytes, looked up with AVX512-VBMI and multiplied with AVX512-VNNI, the latter of which C# cannot emit. Device code only: what to multiply is
// decided in ByteCentroids.cs.
//
// Lanes are columns: a table holds one component of up to 256 centroids, which fill four registers, and 64 codes find theirs in two permutes of two registers each.
#include <immintrin.h>
#include <stdint.h>

#define VBMI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vbmi,avx512vnni")))
#define INLINE VBMI static inline __attribute__((always_inline))

enum { line = 64, columns = 2 * line, table_bytes = 256, most_tokens = 8, zero = 128 };

typedef struct { __m512i a, b, c, d; } table;

INLINE table load(const int8_t *bytes)
{
    return (table){_mm512_loadu_si512(bytes), _mm512_loadu_si512(bytes + 64), _mm512_loadu_si512(bytes + 128), _mm512_loadu_si512(bytes + 192)};
}

INLINE __m512i look_up(table t, const uint8_t *codes)
{
    __m512i at = _mm512_loadu_si512(codes);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(at), _mm512_permutex2var_epi8(t.a, at, t.b), _mm512_permutex2var_epi8(t.c, at, t.d));
}

// The sums of the lanes of four registers.
INLINE __m128 lane_sums(const __m512 *x)
{
    __m512 even = _mm512_add_ps(_mm512_unpacklo_ps(x[0], x[1]), _mm512_unpackhi_ps(x[0], x[1])), odd = _mm512_add_ps(_mm512_unpacklo_ps(x[2], x[3]), _mm512_unpackhi_ps(x[2], x[3]));
    __m512 all = _mm512_add_ps(_mm512_shuffle_ps(even, odd, 0x44), _mm512_shuffle_ps(even, odd, 0xEE));
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

// totals[t] += scales[t] · Σ over the columns of a step of (x[t] - 128) · (main + residual), for one line of codes or for both.
INLINE void add_step(const uint8_t *main, const uint8_t *residual, const table *tables, const uint8_t *x, const float *scales, __m512 *totals,
    const int tokens, const int has_residual, const int lines)
{
    const __m512i zeros = _mm512_setzero_si512(), middle = _mm512_set1_epi8((char)zero);
    __m512i weights[2], start = zeros;
#pragma GCC unroll 2
    for (int i = 0; i < lines; i++)
    {
        weights[i] = look_up(tables[0], main + i * line);
        if (has_residual) weights[i] = _mm512_add_epi8(weights[i], look_up(tables[1], residual + i * line));
        start = _mm512_dpbusd_epi32(start, middle, weights[i]);
    }
    start = _mm512_sub_epi32(zeros, start); // Takes away what the activations' offset adds.
#pragma GCC unroll 8
    for (int t = 0; t < tokens; t++)
    {
        __m512i sum = start;
#pragma GCC unroll 2
        for (int i = 0; i < lines; i++) sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(x + t * columns + i * line), weights[i]);
        totals[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(scales[t]), totals[t]);
    }
}

// sums[t] = Σ over steps of scales[step][t] · Σ over its columns of (x[step][t] - 128) · (main + residual).
INLINE void multiply(const uint8_t *main, const uint8_t *residual, intptr_t lines, const int8_t *bytes, const uint8_t *x, const float *scales, float *sums,
    const int tokens, const int has_residual)
{
    const table tables[2] = {load(bytes), has_residual ? load(bytes + table_bytes) : load(bytes)};
    __m512 totals[most_tokens];
#pragma GCC unroll 8
    for (int t = 0; t < tokens; t++) totals[t] = _mm512_setzero_ps();
    for (; lines >= 2; lines -= 2, main += columns, residual += columns, x += tokens * columns, scales += tokens)
        add_step(main, residual, tables, x, scales, totals, tokens, has_residual, 2);
    if (lines > 0) add_step(main, residual, tables, x, scales, totals, tokens, has_residual, 1);
#pragma GCC unroll 8
    for (int t = 0; t < tokens; t += 4)
        if (tokens >= 4) _mm_storeu_ps(sums + t, lane_sums(totals + t));
        else for (int i = 0; i < tokens; i++) sums[i] = _mm512_reduce_add_ps(totals[i]);
}

INLINE void multiply_all(const uint8_t *main, const uint8_t *residual, intptr_t lines, const int8_t *tables, intptr_t outputs, const uint8_t *x, const float *scales,
    float *sums, const int tokens)
{
    for (; outputs > 0; outputs--, tables += 2 * table_bytes, sums += tokens)
        if (residual) multiply(main, residual, lines, tables, x, scales, sums, tokens, 1);
        else multiply(main, main, lines, tables, x, scales, sums, tokens, 0);
}

// The outputs of a vector for 1, 2, 4 or 8 tokens: codes [lines][64], residual may be null; two lines are a step; tables [outputs][main and residual][256]; x [steps][tokens][128];
// scales [steps][tokens]; sums [outputs][tokens].
VBMI __attribute__((visibility("default"))) void onnxeff_centroids_multiply(const uint8_t *main, const uint8_t *residual, intptr_t lines, const int8_t *tables, intptr_t outputs,
    const uint8_t *x, const float *scales, intptr_t tokens, float *sums)
{
    if (tokens == 8) multiply_all(main, residual, lines, tables, outputs, x, scales, sums, 8);
    else if (tokens == 4) multiply_all(main, residual, lines, tables, outputs, x, scales, sums, 4);
    else if (tokens == 2) multiply_all(main, residual, lines, tables, outputs, x, scales, sums, 2);
    else multiply_all(main, residual, lines, tables, outputs, x, scales, sums, 1);
}

void *onnxeff_centroids_functions(void) { return (void *)onnxeff_centroids_multiply; }
