/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page's tile is looked up once and then remembered by the page's number.  Tiles are in the order
 * of process and address, so that neighbours are found when tiles double; their counts lie where
 * `counts` says and do not move.
 */
#include "replay/heatmap.h"

#include "replay/growing.h"

#define SHIFT_MAX 63u
#define NO_TILE 0u /* of a page: not looked up yet; else the number of its counts, plus 1 */
#define LEFT_OUT UINT32_MAX

struct heatmap_tile {
    uint32_t process;
    uint32_t counts; /* its row of counts */
    uint64_t index;  /* address >> shift */
};

struct heatmap {
    struct base_alloc *alloc;
    heatmap_place *place;
    void *ctx;
    unsigned shift;
    uint32_t *tile_of; /* by page */
    uint64_t tile_room;
    uint32_t pages;
    struct heatmap_tile tile[HEATMAP_TILES + 1];
    unsigned ntiles;
    unsigned column;
    uint64_t now, slice, slice_end;
    uint64_t left_out;
    uint64_t count[HEATMAP_TILES + 1][HEATMAP_COLUMNS];
};

enum pgw_status
heatmap_create(struct base_alloc *alloc, uint64_t page_size, heatmap_place *place, void *ctx,
    struct heatmap **map)
{
    struct heatmap *made = alloc->map(alloc, sizeof *made);

    if (made == NULL)
        return PGW_NOMEM;
    made->alloc = alloc;
    made->place = place;
    made->ctx = ctx;
    made->shift = (unsigned)__builtin_ctzll(page_size);
    made->slice = made->slice_end = 1;
    for (uint32_t i = 0; i <= HEATMAP_TILES; i++)
        made->tile[i].counts = i;
    *map = made;
    return PGW_OK;
}

void
heatmap_destroy(struct heatmap *map)
{
    if (map == NULL)
        return;
    growing_free(map->alloc, map->tile_of, map->tile_room, sizeof *map->tile_of);
    map->alloc->unmap(map->alloc, map, sizeof *map);
}

/* ---- tiles ---- */

/* Pages to the tiles that theirs went to. */
static void
heatmap_renumber(struct heatmap *map, const uint32_t *to)
{
    for (uint32_t page = 0; page < map->pages; page++) {
        uint32_t tile = map->tile_of[page];
        if (tile != NO_TILE && tile != LEFT_OUT)
            map->tile_of[page] = to[tile - 1] + 1;
    }
}

/* from's counts go to into's; the row is for the next new tile. */
static void
heatmap_merge(struct heatmap *map, const struct heatmap_tile *into, struct heatmap_tile *from)
{
    uint64_t *a = map->count[into->counts], *b = map->count[from->counts];

    for (unsigned i = 0; i < HEATMAP_COLUMNS; i++) {
        a[i] += b[i];
        b[i] = 0;
    }
}

static void
heatmap_double(struct heatmap *map)
{
    uint32_t to[HEATMAP_TILES + 1], spare[HEATMAP_TILES + 1];
    unsigned n = 0, nspare = 0;

    map->shift++;
    for (unsigned i = 0; i < map->ntiles; i++) {
        struct heatmap_tile tile = map->tile[i];
        tile.index /= 2;
        to[tile.counts] = tile.counts;
        if (n > 0 && map->tile[n - 1].process == tile.process &&
            map->tile[n - 1].index == tile.index) {
            heatmap_merge(map, &map->tile[n - 1], &tile);
            to[tile.counts] = map->tile[n - 1].counts;
            spare[nspare++] = tile.counts;
        } else {
            map->tile[n++] = tile;
        }
    }
    for (unsigned i = 0; i < nspare; i++)
        map->tile[n + i].counts = spare[i];
    map->ntiles = n;
    heatmap_renumber(map, to);
}

static void
heatmap_shrink(struct heatmap *map, unsigned tiles)
{
    while (map->ntiles > tiles && map->shift < SHIFT_MAX)
        heatmap_double(map);
}

/* Larger tiles than those of which each process has one would only look empty. */
void
heatmap_coarsen(struct heatmap *map, unsigned tiles)
{
    unsigned processes = 0;

    for (unsigned i = 0; i < map->ntiles; i++)
        processes += i == 0 || map->tile[i].process != map->tile[i - 1].process;
    heatmap_shrink(map, tiles > processes ? tiles : processes);
}

/* Where the tile is, or would be. */
static unsigned
heatmap_find(const struct heatmap *map, uint32_t process, uint64_t index)
{
    unsigned low = 0, high = map->ntiles;

    while (low < high) {
        unsigned middle = (low + high) / 2;
        const struct heatmap_tile *tile = &map->tile[middle];
        if (tile->process < process || (tile->process == process && tile->index < index))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What tile_of says for it; LEFT_OUT: no more tiles can be had. */
static uint32_t
heatmap_tile_at(struct heatmap *map, uint32_t process, uint64_t va)
{
    unsigned at = heatmap_find(map, process, va >> map->shift);
    struct heatmap_tile *tile = &map->tile[at];

    if (at < map->ntiles && tile->process == process && tile->index == va >> map->shift)
        return tile->counts + 1;
    if (map->ntiles == HEATMAP_TILES)
        return LEFT_OUT;
    uint32_t counts = map->tile[map->ntiles].counts;
    memmove(tile + 1, tile, (map->ntiles - at) * sizeof *tile);
    *tile = (struct heatmap_tile){.process = process, .counts = counts, .index = va >> map->shift};
    map->ntiles++;
    return counts + 1;
}

static void
heatmap_look_up(struct heatmap *map, uint32_t page)
{
    uint32_t process = 0;
    uint64_t va = 0;

    map->place(map->ctx, page, &process, &va);
    if (map->ntiles == HEATMAP_TILES)
        heatmap_shrink(map, HEATMAP_TILES - 1);
    map->tile_of[page] = heatmap_tile_at(map, process, va);
}

/* ---- time ---- */

static void
heatmap_merge_columns(struct heatmap *map)
{
    for (unsigned i = 0; i < map->ntiles; i++) {
        uint64_t *count = map->count[map->tile[i].counts];
        for (unsigned k = 0; k < HEATMAP_COLUMNS / 2; k++)
            count[k] = count[(size_t)2 * k] + count[(size_t)2 * k + 1];
        memset(count + HEATMAP_COLUMNS / 2, 0, HEATMAP_COLUMNS / 2 * sizeof *count);
    }
    map->slice *= 2;
    map->column = HEATMAP_COLUMNS / 2;
}

static inline void
heatmap_turn(struct heatmap *map)
{
    while (map->now >= map->slice_end) {
        if (++map->column == HEATMAP_COLUMNS)
            heatmap_merge_columns(map);
        map->slice_end += map->slice;
    }
}

enum pgw_status
heatmap_use(struct heatmap *map, const struct policy_touch *touch, size_t n, uint32_t pages)
{
    enum pgw_status status = growing_reserve(
        map->alloc, (void **)&map->tile_of, &map->tile_room, pages, sizeof *map->tile_of);

    if (status != PGW_OK)
        return status;
    map->pages = pages > map->pages ? pages : map->pages;
    for (size_t i = 0; i < n; i++) {
        uint32_t page = touch[i].page;
        if (__builtin_expect(map->tile_of[page] == NO_TILE, 0))
            heatmap_look_up(map, page);
        heatmap_turn(map);
        if (map->tile_of[page] == LEFT_OUT)
            map->left_out += touch[i].count;
        else
            map->count[map->tile_of[page] - 1][map->column] += touch[i].count;
        map->now += touch[i].count;
    }
    return PGW_OK;
}

/* ---- rows ---- */

bool
heatmap_row(const struct heatmap *map, unsigned i, struct heatmap_row *row)
{
    if (i >= map->ntiles)
        return false;
    *row = (struct heatmap_row){
        .process = map->tile[i].process,
        .va = map->tile[i].index << map->shift,
        .len = (uint64_t)1 << map->shift,
        .count = map->count[map->tile[i].counts],
    };
    return true;
}

unsigned
heatmap_columns(const struct heatmap *map, uint64_t *slice)
{
    *slice = map->slice;
    return map->now > 0 ? map->column + 1 : 0;
}

uint64_t
heatmap_left_out(const struct heatmap *map)
{
    return map->left_out;
}
