// One instruction set's functions of row_tiles.c.
enum { NAME(vectors) = rows / NAME(lanes) };

// target[c][·] = (adds ? target[c][·] : 0) + Σᵢ x[i][·] · factors[at[i] · stride + c · next], or factors[i + c · next] without at, for some columns c.
INLINE void NAME(add_columns)(const float *x, const float *factors, intptr_t count, const int32_t *at, intptr_t stride, intptr_t next, float *target, int adds, const int columns)
{
    FLOATS sums[NAME(columns_at_once)][NAME(vectors)];
#pragma GCC unroll 8
    for (int c = 0; c < columns; c++)
#pragma GCC unroll 4
        for (int v = 0; v < NAME(vectors); v++) sums[c][v] = adds ? NAME(load)(target + c * rows + v * NAME(lanes)) : NAME(create)(0);
    for (intptr_t i = 0; i < count; i++, x += rows)
    {
        const float *from = factors + (at ? at[i] * stride : i);
        FLOATS own[NAME(vectors)];
#pragma GCC unroll 4
        for (int v = 0; v < NAME(vectors); v++) own[v] = NAME(load)(x + v * NAME(lanes));
#pragma GCC unroll 8
        for (int c = 0; c < columns; c++)
        {
            FLOATS factor = NAME(create)(from[c * next]);
#pragma GCC unroll 4
            for (int v = 0; v < NAME(vectors); v++) sums[c][v] = NAME(multiply_add)(own[v], factor, sums[c][v]);
        }
    }
#pragma GCC unroll 8
    for (int c = 0; c < columns; c++)
#pragma GCC unroll 4
        for (int v = 0; v < NAME(vectors); v++) NAME(store)(target + c * rows + v * NAME(lanes), sums[c][v]);
}

// RowTile.Multiply.
TARGET static void NAME(multiply)(const float *tile, const float *matrix, intptr_t columns, float *product)
{
    intptr_t j = 0;
    for (; j + NAME(columns_at_once) <= columns; j += NAME(columns_at_once))
        NAME(add_columns)(tile, matrix + j * columns, columns, 0, 0, columns, product + j * rows, 0, NAME(columns_at_once));
    for (; j < columns; j++) NAME(add_columns)(tile, matrix + j * columns, columns, 0, 0, columns, product + j * rows, 0, 1);
}

// RowTile.AddMany: change i has the factors matrix[at[i]].
TARGET static void NAME(add_many)(float *tile, const float *changes, intptr_t count, const int32_t *at, const float *matrix, intptr_t columns, intptr_t first, intptr_t end)
{
    for (; first + NAME(columns_at_once) <= end; first += NAME(columns_at_once))
        NAME(add_columns)(changes, matrix + first, count, at, columns, 1, tile + first * rows, 1, NAME(columns_at_once));
    for (; first < end; first++) NAME(add_columns)(changes, matrix + first, count, at, columns, 1, tile + first * rows, 1, 1);
}

// The nearest centroids of two registers of rows.
INLINE void NAME(nearest_of)(const float *table, intptr_t centroids, const intptr_t length, const float *x, int32_t *codes)
{
    FLOATS best[2] = {NAME(create)(__builtin_inff()), NAME(create)(__builtin_inff())};
    INTS index[2] = {};
    for (intptr_t c = 0; c < centroids; c++, table += length + 1)
    {
        FLOATS near[2] = {NAME(create)(table[0]), NAME(create)(table[0])};
#pragma GCC unroll 4
        for (intptr_t t = 0; t < length; t++)
            for (int v = 0; v < 2; v++) near[v] = NAME(multiply_add)(NAME(load)(x + t * rows + v * NAME(lanes)), NAME(create)(table[1 + t]), near[v]);
        for (int v = 0; v < 2; v++) NAME(take)((int32_t)c, near[v], &best[v], &index[v]);
    }
    for (int v = 0; v < 2; v++) NAME(store_index)(codes + v * NAME(lanes), index[v]);
}

// CentroidTables.Nearest.
TARGET static void NAME(nearest)(const float *table, intptr_t centroids, intptr_t length, const float *x, int32_t *codes)
{
    for (int row = 0; row < rows; row += 2 * NAME(lanes))
        if (length == 4) NAME(nearest_of)(table, centroids, 4, x + row, codes + row);
        else if (length == 2) NAME(nearest_of)(table, centroids, 2, x + row, codes + row);
        else NAME(nearest_of)(table, centroids, length, x + row, codes + row);
}
