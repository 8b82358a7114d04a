// The lookups of lookup_tiles.c with AVX2: a register has the tables of two groups, and looks the codes of one line up in them. Sums are 16 bits: of both bytes of each pair, and
// apart of the odd ones, from which those of the even ones follow.
#define TARGET __attribute__((target("avx2,fma")))
#define INLINE TARGET static inline __attribute__((always_inline))

enum { half = line / 2 };

typedef struct { __m256i words, odd, upper_words, upper_odd; } line_sums;

// Codes of two groups, below and above others, and what the tables say of them.
typedef struct { __m256i lower, upper; } indices;

INLINE indices half_line(const uint8_t *codes)
{
    const __m256i low4 = _mm256_set1_epi8(15);
    __m256i pairs = _mm256_loadu_si256((const __m256i *)codes);
    return (indices){_mm256_and_si256(pairs, low4), _mm256_and_si256(_mm256_srli_epi16(pairs, 4), low4)};
}

INLINE line_sums add(line_sums sums, indices at, const uint8_t *tables)
{
    __m256i table = _mm256_loadu_si256((const __m256i *)tables), lower = _mm256_shuffle_epi8(table, at.lower), upper = _mm256_shuffle_epi8(table, at.upper);
    sums.words = _mm256_add_epi16(sums.words, lower);
    sums.odd = _mm256_add_epi16(sums.odd, _mm256_srli_epi16(lower, 8));
    sums.upper_words = _mm256_add_epi16(sums.upper_words, upper);
    sums.upper_odd = _mm256_add_epi16(sums.upper_odd, _mm256_srli_epi16(upper, 8));
    __asm__("" : "+x"(sums.words), "+x"(sums.odd), "+x"(sums.upper_words), "+x"(sums.upper_odd)); // Now: gcc would gather what is found first, more of it than there are registers.
    return sums;
}

// target[i] += scale · (word(i) - start)
INLINE void add_words(__m128i words, __m128i start, __m256 scale, float *target)
{
    __m256 sums = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_sub_epi16(words, start)));
    _mm256_storeu_ps(target, _mm256_fmadd_ps(sums, scale, _mm256_loadu_ps(target)));
}

// Eight rows and the eight that are 32 behind them; the halves of a register belong to different groups.
INLINE void finish_rows(__m256i words, __m256i odd, intptr_t units, float scale, float *target)
{
    __m128i both = _mm_add_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)), start = _mm_set1_epi16((short)(4 * units * zero));
    __m128i odds = _mm_add_epi16(_mm256_castsi256_si128(odd), _mm256_extracti128_si256(odd, 1));
    add_words(_mm_sub_epi16(both, _mm_slli_epi16(odds, 8)), start, _mm256_set1_ps(scale), target);
    add_words(odds, start, _mm256_set1_ps(scale), target + rows / 2);
}

INLINE void finish(line_sums sums, const int number, intptr_t units, float scale, float *target)
{
    finish_rows(sums.words, sums.odd, units, scale, target + number * rows / 4);
    finish_rows(sums.upper_words, sums.upper_odd, units, scale, target + number * rows / 4 + rows / 8);
}

// A block for one table: the sums of both lines fit the registers, and codes are read in a row. What lies ahead comes on its way.
INLINE void add_units(const uint8_t *codes, intptr_t ahead, intptr_t units, const uint8_t *tables, float scale, float *target)
{
    line_sums first = {0}, second = {0};
    for (intptr_t u = 0; u < units; u++, codes += unit, tables += line)
    {
        _mm_prefetch(codes + ahead, _MM_HINT_T0);
        _mm_prefetch(codes + ahead + line, _MM_HINT_T0);
#pragma GCC unroll 2
        for (int at = 0; at < line; at += half)
        {
            first = add(first, half_line(codes + at), tables + at);
            second = add(second, half_line(codes + line + at), tables + at);
        }
    }
    finish(first, 0, units, scale, target);
    finish(second, 1, units, scale, target);
}

// One line of each unit of a block for two tables, which share the indices. Both lines of what lies ahead come on their way, where it is worth saying so.
INLINE void add_lines(const uint8_t *codes, const int number, const int prefetches, intptr_t ahead, intptr_t units, const uint8_t *tables, const float *scales, float *const *target)
{
    line_sums one = {0}, two = {0};
    for (intptr_t u = 0; u < units; u++, codes += unit, tables += line)
    {
        if (prefetches) _mm_prefetch(codes + ahead, _MM_HINT_T0), _mm_prefetch(codes + ahead + line, _MM_HINT_T0);
#pragma GCC unroll 2
        for (int at = 0; at < line; at += half)
        {
            indices found = half_line(codes + number * line + at);
            one = add(one, found, tables + at);
            two = add(two, found, tables + table_bytes + at);
        }
    }
    finish(one, number, units, scales[0], target[0]);
    finish(two, number, units, scales[1], target[1]);
}

// A block of a tile for the first of some tokens or planes, at most four. Those of other tables follow at target[1], [2] and [3].
INLINE void add_tables(const uint8_t *codes, intptr_t ahead, intptr_t units, const uint8_t *tables, const float *scales, const int count, float *const *target)
{
    if (count == 1) add_units(codes, ahead, units, tables, scales[0], target[0]);
    if (count > 1) add_lines(codes, 0, 1, ahead, units, tables, scales, target);
    if (count > 1) add_lines(codes, 1, 0, ahead, units, tables, scales, target);
    if (count > 2) add_lines(codes, 0, 0, ahead, units, tables + 2 * table_bytes, scales + 2, target + 2);
    if (count > 2) add_lines(codes, 1, 0, ahead, units, tables + 2 * table_bytes, scales + 2, target + 2);
}

// A block of two tiles for one token.
TARGET static void add_pair(const uint8_t *codes, intptr_t tile_bytes, intptr_t ahead, intptr_t units, const uint8_t *tables, float scale, float *sums)
{
    for (int tile = 0; tile < 2; tile++, codes += tile_bytes, sums += rows) add_tables(codes, ahead, units, tables, &scale, 1, &sums);
}
