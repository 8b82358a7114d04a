// The product with codes of 4 bits: each is looked up in its group's table, and what the tables say is added up. Device code only: what to multiply is decided in QuadProduct.cs.
//
// A unit of codes is two lines of 64 bytes, each of four groups of 16 bytes; the tables of four groups are 64 bytes. A byte has the codes of two rows: of a tile's 64 those of the
// first line are, at the even places and below, 0 to 7, above 8 to 15, and at the odd places those 32 behind them; those of the second line are the 16 behind each of them.
#include <immintrin.h>
#include <stdint.h>

enum { line = 64, unit = 2 * line, rows = 64, block_units = 16, block_bytes = block_units * unit, table_bytes = block_units * line, tiles_at_once = 4, zero = 128 };

#ifdef ONNXEFF_ISA_V4
#include "lookup_permutes.h"
#else
#include "lookup_shuffles.h"
#endif

// All blocks of some tiles, which take turns. A single one is read in a row with those that follow it; of several the next block comes on its way, or what follows all of them.
TARGET static void add_tiles(
    const uint8_t *codes, intptr_t tiles, intptr_t units, const uint8_t *tables, const float *scales, intptr_t tokens, intptr_t planes, float *sums)
{
    const intptr_t tile_bytes = units * unit, count = tokens * planes, step = tiles_at_once * rows;
    const uint8_t *next = codes + tiles * tile_bytes;
    for (; units > 0; units -= block_units, codes += block_bytes, tables += count * table_bytes, scales += count)
    {
        intptr_t there = units < block_units ? units : block_units, ahead = tiles == 1 ? 4 * block_bytes : units > block_units ? block_bytes : next - codes, tile = 0;
        for (; count == 1 && tile + 2 <= tiles; tile += 2) add_pair(codes + tile * tile_bytes, tile_bytes, ahead, there, tables, scales[0], sums + tile * rows);
        for (; tile < tiles; tile++)
            for (intptr_t i = 0; i < count;)
            {
                float *target[4];
                for (int k = 0; k < 4; k++) target[k] = sums + tile * rows + (planes == 1 ? i + k : (i + k) / 2) * step;
                const uint8_t *from = codes + tile * tile_bytes, *table = tables + i * table_bytes;
                if (i + 4 <= count) add_tables(from, ahead, there, table, scales + i, 4, target), i += 4;
                else if (i + 2 <= count) add_tables(from, ahead, there, table, scales + i, 2, target), i += 2;
                else add_tables(from, ahead, there, table, scales + i, 1, target), i++;
            }
    }
}

// sums[token][tile][row] += Σ over blocks and planes of scale · Σ over groups of (table[code] - 128), for at most four tiles, as many in turns as together says.
// codes [tiles][units][unit], tables [blocks][tokens][planes][table_bytes], scales [blocks][tokens][planes], sums [tokens][4][64]; 1 or 2 planes.
TARGET __attribute__((visibility("default"))) void onnxeff_lookup_add(const uint8_t *codes, intptr_t tiles, intptr_t together, intptr_t units,
    const uint8_t *tables, const float *scales, intptr_t tokens, intptr_t planes, float *sums)
{
    for (; tiles > 0; tiles -= together, codes += together * units * unit, sums += together * rows)
        add_tiles(codes, tiles < together ? tiles : together, units, tables, scales, tokens, planes, sums);
}

void *onnxeff_lookup_functions(void) { return (void *)onnxeff_lookup_add; }
