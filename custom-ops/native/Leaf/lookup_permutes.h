// The lookups of lookup_tiles.c with AVX512-VBMI and AVX512-VNNI: the tables of four groups are one register, which looks all of them up. Sums of four bytes want the groups of
// a row side by side: the codes are moved there before their halves are taken apart, once for all lookups.
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vbmi,avx512vnni")))
#define INLINE TARGET static inline __attribute__((always_inline))

// The even places of half a line are eight rows, the odd ones the rows 32 behind them: row i of 16 comes from the same place of each of the four groups.
#define PLACE(i) ((i) < 8 ? 2 * (i) : 2 * (i) - 15)
#define ROW(i) PLACE(i), PLACE(i) + 16, PLACE(i) + 32, PLACE(i) + 48
static const uint8_t side_by_side[line] __attribute__((aligned(line))) = {
    ROW(0), ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7), ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15),
};

// Of the codes of a unit, or of what is found for them: the halves of its first line, then of its second.
typedef int32_t ints __attribute__((vector_size(64))); // With the type of the instruction's operands gcc keeps sums where they are.
typedef struct { ints first, second, third, last; } parts;

// Indices into the tables of four groups. What lies ahead comes on its way.
INLINE parts indices(const uint8_t *codes, intptr_t ahead)
{
    const __m512i low4 = _mm512_set1_epi8(15), group = _mm512_set1_epi32(0x30201000), order = _mm512_load_si512(side_by_side);
    _mm_prefetch(codes + ahead, _MM_HINT_T0);
    _mm_prefetch(codes + ahead + line, _MM_HINT_T0);
    __m512i x = _mm512_permutexvar_epi8(order, _mm512_loadu_si512(codes)), y = _mm512_permutexvar_epi8(order, _mm512_loadu_si512(codes + line));
    enum { and_or = 0xEA }; // (a & b) | c
    return (parts){
        (ints)_mm512_ternarylogic_epi32(x, low4, group, and_or), (ints)_mm512_ternarylogic_epi32(_mm512_srli_epi16(x, 4), low4, group, and_or),
        (ints)_mm512_ternarylogic_epi32(y, low4, group, and_or), (ints)_mm512_ternarylogic_epi32(_mm512_srli_epi16(y, 4), low4, group, and_or),
    };
}

INLINE void add(parts *sums, parts at, const uint8_t *tables)
{
    __m512i table = _mm512_loadu_si512(tables), ones = _mm512_set1_epi8(1);
    sums->first = (ints)_mm512_dpbusd_epi32((__m512i)sums->first, _mm512_permutexvar_epi8((__m512i)at.first, table), ones);
    sums->second = (ints)_mm512_dpbusd_epi32((__m512i)sums->second, _mm512_permutexvar_epi8((__m512i)at.second, table), ones);
    sums->third = (ints)_mm512_dpbusd_epi32((__m512i)sums->third, _mm512_permutexvar_epi8((__m512i)at.third, table), ones);
    sums->last = (ints)_mm512_dpbusd_epi32((__m512i)sums->last, _mm512_permutexvar_epi8((__m512i)at.last, table), ones);
}

// target[row] += scale · (sum - 128 · groups). Half a line is rows i to i + 7 and i + 32 to i + 39.
INLINE void finish(parts sums, intptr_t units, float scale, float *target)
{
    __m512 start = _mm512_set1_ps(-(float)(zero * 4 * units)), factor = _mm512_set1_ps(scale);
    __m512 a = _mm512_add_ps(_mm512_cvtepi32_ps((__m512i)sums.first), start), b = _mm512_add_ps(_mm512_cvtepi32_ps((__m512i)sums.second), start);
    __m512 c = _mm512_add_ps(_mm512_cvtepi32_ps((__m512i)sums.third), start), d = _mm512_add_ps(_mm512_cvtepi32_ps((__m512i)sums.last), start);
    _mm512_storeu_ps(target, _mm512_fmadd_ps(_mm512_shuffle_f32x4(a, b, 0x44), factor, _mm512_loadu_ps(target)));
    _mm512_storeu_ps(target + 16, _mm512_fmadd_ps(_mm512_shuffle_f32x4(c, d, 0x44), factor, _mm512_loadu_ps(target + 16)));
    _mm512_storeu_ps(target + 32, _mm512_fmadd_ps(_mm512_shuffle_f32x4(a, b, 0xEE), factor, _mm512_loadu_ps(target + 32)));
    _mm512_storeu_ps(target + 48, _mm512_fmadd_ps(_mm512_shuffle_f32x4(c, d, 0xEE), factor, _mm512_loadu_ps(target + 48)));
}

// A block of two tiles for one token: they share the tables.
TARGET static void add_pair(const uint8_t *codes, intptr_t tile_bytes, intptr_t ahead, intptr_t units, const uint8_t *tables, float scale, float *sums)
{
    parts one = {0}, two = {0};
    for (intptr_t u = 0; u < units; u++, codes += unit, tables += line)
    {
        add(&one, indices(codes, ahead), tables);
        add(&two, indices(codes + tile_bytes, ahead), tables);
    }
    finish(one, units, scale, sums);
    finish(two, units, scale, sums + rows);
}

// A block of a tile for the first of some tokens or planes, at most four: they share the indices. Those of other tables follow at target[1], [2] and [3].
INLINE void add_tables(const uint8_t *codes, intptr_t ahead, intptr_t units, const uint8_t *tables, const float *scales, const int count, float *const *target)
{
    parts one = {0}, two = {0}, three = {0}, four = {0};
    for (intptr_t u = 0; u < units; u++, codes += unit, tables += line)
    {
        parts at = indices(codes, ahead);
        add(&one, at, tables);
        if (count > 1) add(&two, at, tables + table_bytes);
        if (count > 2) add(&three, at, tables + 2 * table_bytes);
        if (count > 2) add(&four, at, tables + 3 * table_bytes);
    }
    finish(one, units, scales[0], target[0]);
    if (count > 1) finish(two, units, scales[1], target[1]);
    if (count > 2) finish(three, units, scales[2], target[2]);
    if (count > 2) finish(four, units, scales[3], target[3]);
}
