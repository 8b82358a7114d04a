// The inner loops of quantising, for processors with AVX2 or AVX-512: C# that is compiled before it starts knows of neither. Device code only: RowTile.cs and CentroidTables.cs
// say what is computed, and compute it themselves where this is not linked or the processor has neither.
#include <immintrin.h>
#include <stdint.h>

enum { rows = 32 };

#define INLINE TARGET static inline __attribute__((always_inline))

#define TARGET __attribute__((target("avx2,fma")))
#define NAME(name) name##_v3
#define FLOATS __m256
#define INTS __m256i
enum { NAME(lanes) = 8, NAME(columns_at_once) = 3 }; // 3×4 sums and 4 of x fill 16 registers: factors are broadcast from memory.
TARGET static inline __m256 load_v3(const float *x) { return _mm256_loadu_ps(x); }
TARGET static inline void store_v3(float *to, __m256 x) { _mm256_storeu_ps(to, x); }
TARGET static inline __m256 create_v3(float x) { return _mm256_set1_ps(x); }
TARGET static inline __m256 multiply_add_v3(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
TARGET static inline void store_index_v3(int32_t *to, __m256i x) { _mm256_storeu_si256((__m256i *)to, x); }
TARGET static inline void take_v3(int32_t index, __m256 near, __m256 *best, __m256i *indices)
{
    __m256 nearer = _mm256_cmp_ps(near, *best, _CMP_LT_OQ);
    *best = _mm256_blendv_ps(*best, near, nearer);
    *indices = _mm256_blendv_epi8(*indices, _mm256_set1_epi32(index), _mm256_castps_si256(nearer));
}
#include "row_tiles.h"
#undef TARGET
#undef NAME
#undef FLOATS
#undef INTS

#define TARGET __attribute__((target("avx512f")))
#define NAME(name) name##_v4
#define FLOATS __m512
#define INTS __m512i
enum { NAME(lanes) = 16, NAME(columns_at_once) = 8 };
TARGET static inline __m512 load_v4(const float *x) { return _mm512_loadu_ps(x); }
TARGET static inline void store_v4(float *to, __m512 x) { _mm512_storeu_ps(to, x); }
TARGET static inline __m512 create_v4(float x) { return _mm512_set1_ps(x); }
TARGET static inline __m512 multiply_add_v4(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
TARGET static inline void store_index_v4(int32_t *to, __m512i x) { _mm512_storeu_si512(to, x); }
TARGET static inline void take_v4(int32_t index, __m512 near, __m512 *best, __m512i *indices)
{
    __mmask16 nearer = _mm512_cmp_ps_mask(near, *best, _CMP_LT_OQ);
    *best = _mm512_mask_mov_ps(*best, nearer, near);
    *indices = _mm512_mask_set1_epi32(*indices, nearer, index);
}
#include "row_tiles.h"

// The functions for this processor, of at most a level of x86-64 (3: AVX2, 4: AVX-512), or zeros.
void onnxeff_tile_functions(int32_t most, void **multiply, void **add_many, void **nearest)
{
    __builtin_cpu_init();
    int v4 = most >= 4 && __builtin_cpu_supports("avx512f"), v3 = most >= 3 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    *multiply = v4 ? (void *)multiply_v4 : v3 ? (void *)multiply_v3 : 0;
    *add_many = v4 ? (void *)add_many_v4 : v3 ? (void *)add_many_v3 : 0;
    *nearest = v4 ? (void *)nearest_v4 : v3 ? (void *)nearest_v3 : 0;
}
