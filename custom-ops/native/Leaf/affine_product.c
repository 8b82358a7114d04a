// The product of few tokens with a weight of affine blocks, with instructions that C# cannot emit: halves become floats in one (F16C), and at the level v4 words are multiplied
// and added in one (AVX512-VNNI). Device code only: what to multiply is decided in AffineProduct.cs, and AffineBlockLayout.cs says how a weight is stored.
#include <immintrin.h>
#include <stdint.h>

enum { rows = 16, block_inputs = 32, vector_bytes = 64, most_fields = 4, bytes_ahead = 6 << 10 }; // As much as memory delivers while a first byte is on its way.

// A 32-bit word, or a float, of each row of a tile: in one register, or in two.
#ifdef ONNXEFF_ISA_V4
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vnni")))
#define INLINE TARGET static inline __attribute__((always_inline))
enum { most_tokens = 8, most_in_place = 2 };

typedef int32_t words __attribute__((vector_size(64))); // With the type of the instruction's operands gcc keeps sums where they are.
typedef __m512 floats;

INLINE words load(const uint8_t *from) { return (words)_mm512_loadu_si512(from); }
INLINE words create(int32_t value) { return (words)_mm512_set1_epi32(value); }
INLINE words and(words a, int32_t mask) { return a & create(mask); }
INLINE words down(words a, int bits) { return (words)_mm512_srli_epi16((__m512i)a, bits); }
INLINE words divide(words a, int bits) { return a >> bits; }
INLINE words plus(words a, words b) { return a + b; }
INLINE words add_products(words sum, words a, int32_t pair) { return (words)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, _mm512_set1_epi32(pair)); }
INLINE floats halves(const uint16_t *from) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from)); }
INLINE floats scaled(words a, float step) { return _mm512_mul_ps(_mm512_cvtepi32_ps((__m512i)a), _mm512_set1_ps(step)); }
INLINE floats add_scaled(floats sum, floats a, float step) { return _mm512_fmadd_ps(a, _mm512_set1_ps(step), sum); }
INLINE floats multiply_add(floats a, floats b, floats sum) { return _mm512_fmadd_ps(a, b, sum); }
INLINE void store(float *target, floats a) { _mm512_storeu_ps(target, a); }
#else
#define TARGET __attribute__((target("avx2,fma,f16c")))
#define INLINE TARGET static inline __attribute__((always_inline))
enum { most_tokens = 4, most_in_place = 1 };

typedef struct { __m256i low, high; } words;
typedef struct { __m256 low, high; } floats;

INLINE words load(const uint8_t *from) { return (words){_mm256_loadu_si256((const __m256i *)from), _mm256_loadu_si256((const __m256i *)from + 1)}; }
INLINE words create(int32_t value) { return (words){_mm256_set1_epi32(value), _mm256_set1_epi32(value)}; }
INLINE words and(words a, int32_t mask) { __m256i m = _mm256_set1_epi32(mask); return (words){_mm256_and_si256(a.low, m), _mm256_and_si256(a.high, m)}; }
INLINE words down(words a, int bits) { return (words){_mm256_srli_epi16(a.low, bits), _mm256_srli_epi16(a.high, bits)}; }
INLINE words divide(words a, int bits) { return (words){_mm256_srai_epi32(a.low, bits), _mm256_srai_epi32(a.high, bits)}; }
INLINE words plus(words a, words b) { return (words){_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)}; }
INLINE words add_products(words sum, words a, int32_t pair)
{
    __m256i p = _mm256_set1_epi32(pair);
    sum = plus(sum, (words){_mm256_madd_epi16(a.low, p), _mm256_madd_epi16(a.high, p)});
    __asm__("" : "+x"(sum.low), "+x"(sum.high)); // Now: gcc would gather products first, more of them than there are registers.
    return sum;
}
INLINE floats halves(const uint16_t *from) { return (floats){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from)), _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from + 1))}; }
INLINE floats scaled(words a, float step)
{
    __m256 s = _mm256_set1_ps(step);
    return (floats){_mm256_mul_ps(_mm256_cvtepi32_ps(a.low), s), _mm256_mul_ps(_mm256_cvtepi32_ps(a.high), s)};
}
INLINE floats add_scaled(floats sum, floats a, float step)
{
    __m256 s = _mm256_set1_ps(step);
    return (floats){_mm256_fmadd_ps(a.low, s, sum.low), _mm256_fmadd_ps(a.high, s, sum.high)};
}
INLINE floats multiply_add(floats a, floats b, floats sum) { return (floats){_mm256_fmadd_ps(a.low, b.low, sum.low), _mm256_fmadd_ps(a.high, b.high, sum.high)}; }
INLINE void store(float *target, floats a) { _mm256_storeu_ps(target, a.low), _mm256_storeu_ps(target + rows / 2, a.high); }
#endif

// Activations, as AffineInputs.cs has them: words [tokens][blocks][32], steps and sums of words [tokens][blocks].
typedef struct { const int32_t *pairs; const float *steps; const int32_t *sums; intptr_t blocks; } inputs;

// The field-th pair of codes of each row's word. Where it may stay in the middle of its half, only the sum of its products is moved down, once; the uppermost would be negative.
INLINE words field(words codes, const int number, const int bits, const int in_place)
{
    const int32_t mask = bits == 4 ? 0x000F000F : 0x00FF00FF;
    if ((number + 1) * bits == 16) return down(codes, number * bits);
    return in_place ? and(codes, mask << number * bits) : and(down(codes, number * bits), mask);
}

// Some tokens' sums of the products of one register of codes, which are as many sums as registers allow: each addition waits for the one before.
INLINE void add_vector(const uint8_t *codes, const int32_t *pairs, intptr_t step, const int bits, const int tokens, words sums[most_tokens][most_fields])
{
    const int fields = 16 / bits, in_place = tokens <= most_in_place;
    words register_of_codes = load(codes);
    _mm_prefetch(codes + bytes_ahead, _MM_HINT_T0);
#pragma GCC unroll 4
    for (int f = 0; f < fields; f++)
    {
        words pair = field(register_of_codes, f, bits, in_place);
#pragma GCC unroll 8
        for (int t = 0; t < tokens; t++) sums[t][in_place ? f : 0] = add_products(sums[t][in_place ? f : 0], pair, pairs[t * step + f]);
    }
}

// y[token][row] of a tile for some tokens.
INLINE void multiply_tile(const uint8_t *unit, inputs x, const int bits, const int minima, const int tokens, float *y, intptr_t step)
{
    const int fields = 16 / bits, in_place = tokens <= most_in_place, chains = in_place ? fields : 1;
    const intptr_t side_bytes = rows * sizeof(uint16_t) * (1 + minima), unit_bytes = side_bytes + bits * vector_bytes;
    floats totals[most_tokens];
#pragma GCC unroll 8
    for (int t = 0; t < tokens; t++) totals[t] = scaled(create(0), 0);
    for (intptr_t b = 0; b < x.blocks; b++, unit += unit_bytes)
    {
        words sums[most_tokens][most_fields];
#pragma GCC unroll 8
        for (int t = 0; t < tokens; t++)
#pragma GCC unroll 4
            for (int s = 0; s < chains; s++) sums[t][s] = create(s > 0 || minima ? 0 : -x.sums[t * x.blocks + b] * (1 << (bits - 1)));
        const int32_t *pairs = x.pairs + b * (block_inputs / 2);
        if (tokens == 1) // Of more of them the sums fill the registers, and an unrolled loop would put some into memory.
#pragma GCC unroll 4
            for (int v = 0; v < bits; v++) add_vector(unit + side_bytes + v * vector_bytes, pairs + v * fields, x.blocks * (block_inputs / 2), bits, tokens, sums);
        else
            for (int v = 0; v < bits; v++) add_vector(unit + side_bytes + v * vector_bytes, pairs + v * fields, x.blocks * (block_inputs / 2), bits, tokens, sums);
        _mm_prefetch(unit + bytes_ahead + bits * vector_bytes, _MM_HINT_T0);
        floats scale = halves((const uint16_t *)unit);
#pragma GCC unroll 8
        for (int t = 0; t < tokens; t++)
        {
            words whole = sums[t][0];
            if (in_place && bits == 4) whole = plus(plus(whole, divide(sums[t][1], 4)), plus(divide(sums[t][2], 8), sums[t][3]));
            if (in_place && bits == 8) whole = plus(whole, sums[t][1]);
            float rounding = x.steps[t * x.blocks + b];
            totals[t] = multiply_add(scale, scaled(whole, rounding), totals[t]);
            if (minima) totals[t] = add_scaled(totals[t], halves((const uint16_t *)unit + rows), rounding * (float)x.sums[t * x.blocks + b]);
        }
    }
#pragma GCC unroll 8
    for (int t = 0; t < tokens; t++) store(y + t * step, totals[t]);
}

// All tokens of some tiles: as many at once as registers hold.
INLINE void multiply_tiles(const uint8_t *units, intptr_t tiles, inputs x, const int bits, const int minima, intptr_t tokens, float *y, intptr_t step)
{
    const intptr_t tile_bytes = x.blocks * (rows * (intptr_t)sizeof(uint16_t) * (1 + minima) + bits * vector_bytes);
    for (intptr_t tile = 0; tile < tiles; tile++, units += tile_bytes, y += rows)
    {
        inputs from = x;
        float *target = y;
        for (intptr_t left = tokens; left > 0;)
        {
            int count = left >= most_tokens ? most_tokens : left >= 4 ? 4 : left >= 2 ? 2 : 1;
            if (count == most_tokens) multiply_tile(units, from, bits, minima, most_tokens, target, step);
            else if (count == 4) multiply_tile(units, from, bits, minima, 4, target, step);
            else if (count == 2) multiply_tile(units, from, bits, minima, 2, target, step);
            else multiply_tile(units, from, bits, minima, 1, target, step);
            left -= count, target += count * step;
            from.pairs += count * from.blocks * (block_inputs / 2), from.steps += count * from.blocks, from.sums += count * from.blocks;
        }
    }
}

// y[token][row] = Σ over blocks of step · (scale · Σ code · word + minimum · Σ word), or with scale · Σ (code - 2^(bits-1)) · word, for tiles of 16 rows that lie in a row.
// Bits are 4 or 8; y has step floats a token.
TARGET __attribute__((visibility("default"))) void onnxeff_affine_multiply(const uint8_t *units, intptr_t tiles, int32_t bits, int32_t minima,
    const int32_t *pairs, const float *steps, const int32_t *sums, intptr_t blocks, intptr_t tokens, float *y, intptr_t step)
{
    inputs x = {pairs, steps, sums, blocks};
    if (bits == 4 && minima) multiply_tiles(units, tiles, x, 4, 1, tokens, y, step);
    else if (bits == 4) multiply_tiles(units, tiles, x, 4, 0, tokens, y, step);
    else if (minima) multiply_tiles(units, tiles, x, 8, 1, tokens, y, step);
    else multiply_tiles(units, tiles, x, 8, 0, tokens, y, step);
}

void *onnxeff_affine_functions(void) { return (void *)onnxeff_affine_multiply; }
