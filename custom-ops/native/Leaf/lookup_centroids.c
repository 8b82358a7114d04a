// Products of centroids of bytes, looked up with AVX512-VBMI and multiplied with AVX512-VNNI, the latter of which C# cannot emit. Device code only: what to multiply is
// decided in ByteCentroids.cs.
//
// Lanes are columns: a table holds one component of up to 256 centroids, which fill four registers, and 64 codes find theirs in two permutes of two registers each.
#include <immintrin.h>
#include <stdint.h>

#define VBMI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vbmi,avx512vnni")))
#define INLINE VBMI static inline __attribute__((always_inline))

enum { line = 64, columns = 2 * line, table_bytes = 256, most_tokens = 8, most_outputs = 2 };

typedef struct { __m512i a, b, c, d; } table;

INLINE table load(const uint8_t *bytes)
{
    return (table){_mm512_loadu_si512(bytes), _mm512_loadu_si512(bytes + 64), _mm512_loadu_si512(bytes + 128), _mm512_loadu_si512(bytes + 192)};
}

// A line of codes, and which of them are in the upper half of a table.
typedef struct { __m512i at; __mmask64 upper; } codes;

INLINE codes read(const uint8_t *bytes)
{
    __m512i at = _mm512_loadu_si512(bytes);
    return (codes){at, _mm512_movepi8_mask(at)};
}

INLINE __m512i look_up(table t, codes c)
{
    return _mm512_mask_blend_epi8(c.upper, _mm512_permutex2var_epi8(t.a, c.at, t.b), _mm512_permutex2var_epi8(t.c, c.at, t.d));
}

// The sums of the lanes of four registers.
INLINE __m128 lane_sums(const __m512 *x)
{
    __m512 even = _mm512_add_ps(_mm512_unpacklo_ps(x[0], x[1]), _mm512_unpackhi_ps(x[0], x[1])), odd = _mm512_add_ps(_mm512_unpacklo_ps(x[2], x[3]), _mm512_unpackhi_ps(x[2], x[3]));
    __m512 all = _mm512_add_ps(_mm512_shuffle_ps(even, odd, 0x44), _mm512_shuffle_ps(even, odd, 0xEE));
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

// totals[o][t] += scales[t] · Σ over the columns of a step of x[t] · (main + residual), for one line of codes or for both.
INLINE void add_step(const uint8_t *main, const uint8_t *residual, const table *mains, const table *residuals, const int8_t *x, const float *scales, __m512 *totals,
    const int outputs, const int tokens, const int has_residual, const int lines)
{
    __m512i weights[most_outputs][2];
#pragma GCC unroll 2
    for (int i = 0; i < lines; i++)
    {
        codes c = read(main + i * line);
#pragma GCC unroll 2
        for (int o = 0; o < outputs; o++) weights[o][i] = look_up(mains[o], c);
        if (!has_residual) continue;
        c = read(residual + i * line);
#pragma GCC unroll 2
        for (int o = 0; o < outputs; o++) weights[o][i] = _mm512_add_epi8(weights[o][i], look_up(residuals[o], c));
    }
#pragma GCC unroll 2
    for (int o = 0; o < outputs; o++)
#pragma GCC unroll 8
        for (int t = 0; t < tokens; t++)
        {
            __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 2
            for (int i = 0; i < lines; i++) sum = _mm512_dpbusd_epi32(sum, weights[o][i], _mm512_loadu_si512(x + t * columns + i * line));
            totals[o * tokens + t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(scales[t]), totals[o * tokens + t]);
        }
}

// sums[o][t] = Σ over steps of scales[step][t] · Σ over its columns of x[step][t] · (main + residual), lanes apart.
INLINE void multiply(const uint8_t *main, const uint8_t *residual, intptr_t lines, const uint8_t *bytes, const int8_t *x, const float *scales, __m512 *sums,
    const int outputs, const int tokens, const int has_residual)
{
    table mains[most_outputs], residuals[most_outputs];
#pragma GCC unroll 2
    for (int o = 0; o < outputs; o++, bytes += 2 * table_bytes)
    {
        mains[o] = load(bytes);
        if (has_residual) residuals[o] = load(bytes + table_bytes);
    }
    __m512 totals[most_tokens];
#pragma GCC unroll 8
    for (int i = 0; i < outputs * tokens; i++) totals[i] = _mm512_setzero_ps();
    for (; lines >= 2; lines -= 2, main += columns, residual += columns, x += tokens * columns, scales += tokens)
        add_step(main, residual, mains, residuals, x, scales, totals, outputs, tokens, has_residual, 2);
    if (lines > 0) add_step(main, residual, mains, residuals, x, scales, totals, outputs, tokens, has_residual, 1);
#pragma GCC unroll 8
    for (int i = 0; i < outputs * tokens; i++) sums[i] = totals[i];
}

// Few tokens share the codes of two outputs; outputs whose sums fill a register are finished together.
INLINE void multiply_all(const uint8_t *main, const uint8_t *residual, intptr_t lines, const uint8_t *tables, intptr_t outputs, const int8_t *x, const float *scales,
    float *sums, const int tokens)
{
    const int at_once = tokens <= 2 ? most_outputs : 1, together = tokens < 4 ? 4 / tokens : 1;
    __m512 totals[most_tokens];
    for (int i = 0; i < most_tokens; i++) totals[i] = _mm512_setzero_ps();
    for (; outputs > 0; outputs -= together, sums += together * tokens)
    {
        for (int o = 0; o < together && o < outputs; o += at_once, tables += at_once * 2 * table_bytes)
            if (residual) multiply(main, residual, lines, tables, x, scales, totals + o * tokens, at_once, tokens, 1);
            else multiply(main, main, lines, tables, x, scales, totals + o * tokens, at_once, tokens, 0);
        for (int i = 0; i < together * tokens; i += 4) _mm_storeu_ps(sums + i, lane_sums(totals + i));
    }
}

// The outputs of a vector for 1, 2, 4 or 8 tokens: codes [lines][64], residual may be null; two lines are a step; tables [outputs, even][main and residual][256], whose sums
// have no sign; x [steps][tokens][128]; scales [steps][tokens]; sums [outputs][tokens], up to a multiple of four of which are written.
VBMI __attribute__((visibility("default"))) void onnxeff_centroids_multiply(const uint8_t *main, const uint8_t *residual, intptr_t lines, const uint8_t *tables, intptr_t outputs,
    const int8_t *x, const float *scales, intptr_t tokens, float *sums)
{
    if (tokens == 8) multiply_all(main, residual, lines, tables, outputs, x, scales, sums, 8);
    else if (tokens == 4) multiply_all(main, residual, lines, tables, outputs, x, scales, sums, 4);
    else if (tokens == 2) multiply_all(main, residual, lines, tables, outputs, x, scales, sums, 2);
    else multiply_all(main, residual, lines, tables, outputs, x, scales, sums, 1);
}

void *onnxeff_centroids_functions(void) { return (void *)onnxeff_centroids_multiply; }
