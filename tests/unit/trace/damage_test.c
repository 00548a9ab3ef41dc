/* SPDX-License-Identifier: BSD-2-Clause */
/* Our own format in many blocks: read from anywhere, and damage costs what it hits. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "trace/ownform.h"
#include "trace_rig.h"

static struct rig_trace blocks_made;
static uint8_t *blocks_bytes;
static size_t blocks_len, blocks_at[64], blocks_n;

/* A trace of several blocks, and where they begin. */
static int
blocks_setup(void **state)
{
    struct base_rng rng;
    char path[64];

    (void)state;
    test_rng_init(&rng, 5);
    rig_path(path);
    rig_random(&blocks_made, &rng, 5000000, false);
    rig_write(&blocks_made, path, NULL);
    blocks_bytes = rig_load(path, &blocks_len);
    unlink(path);
    for (size_t at = OWN_HEADER_LEN; own_load32(blocks_bytes + at) == OWN_BLOCK_MAGIC;
         at += OWN_BLOCK_LEN + own_load32(blocks_bytes + at + 4))
        blocks_at[blocks_n++] = at;
    assert_true(blocks_n >= 4 && blocks_n < 64);
    blocks_at[blocks_n] = blocks_len;
    return 0;
}

static int
blocks_teardown(void **state)
{
    (void)state;
    rig_free(&blocks_made);
    free(blocks_bytes);
    return 0;
}

static uint64_t
block_time(size_t block)
{
    return own_load64(blocks_bytes + blocks_at[block] + 8);
}

static void
test_seek(void **state)
{
    struct pgw_trace *trace;
    struct pgw_trace_batch batch;
    struct base_rng rng;
    char path[64], why[PGW_TRACE_WHY];

    (void)state;
    test_rng_init(&rng, 6);
    rig_path(path);
    rig_save(path, blocks_bytes, blocks_len);
    assert_int_equal(pgw_trace_open(path, NULL, &trace, why), PGW_OK);
    for (uint64_t i = 0; i < test_rounds(60); i++) {
        uint64_t at = base_rng_below(&rng, blocks_made.n + 10);
        size_t block = 0;
        while (block + 1 < blocks_n && block_time(block + 1) <= at)
            block++;
        assert_int_equal(pgw_trace_seek(trace, at), PGW_OK);
        for (unsigned n = 0; n < 3; n++) {
            assert_int_equal(pgw_trace_next(trace, &batch), PGW_OK);
            if (n == 0)
                assert_int_equal(batch.at, block_time(block));
            assert_memory_equal(
                batch.refs, &blocks_made.ref[batch.at], batch.nrefs * sizeof *batch.refs);
        }
    }
    struct rig_trace rest = {0};
    assert_int_equal(pgw_trace_seek(trace, block_time(2)), PGW_OK);
    assert_int_equal(rig_read_on(&rest, trace), PGW_OK);
    rig_assert_same(&blocks_made, block_time(2), &rest);
    rig_free(&rest);
    pgw_trace_close(trace);
    unlink(path);
}

struct told {
    unsigned n;
    struct pgw_trace_damage last;
};

static void
tell(void *ctx, const struct pgw_trace_damage *damage)
{
    struct told *told = ctx;

    told->n++;
    told->last = *damage;
}

/* Hits one block; everything else is read, and the loss is named exactly. */
static void
damage_block(const char *path, size_t block, size_t at)
{
    uint64_t begin = block_time(block);
    uint64_t end = block + 1 < blocks_n ? block_time(block + 1) : blocks_made.n;
    struct told told = {0};
    struct pgw_trace_options options;
    struct rig_trace read = {0};
    uint8_t was = blocks_bytes[at];

    blocks_bytes[at] ^= 0x40;
    rig_save(path, blocks_bytes, blocks_len);
    blocks_bytes[at] = was;
    assert_int_equal(rig_read(&read, path, NULL), PGW_CORRUPT);
    rig_free(&read);

    pgw_trace_options_init(&options);
    options.damaged = tell;
    options.ctx = &told;
    assert_int_equal(rig_read(&read, path, &options), PGW_OK);
    assert_int_equal(told.n, 1);
    assert_int_equal(told.last.offset, blocks_at[block]);
    assert_int_equal(told.last.refs, end - begin);
    assert_int_equal(read.n, blocks_made.n - (end - begin));
    assert_memory_equal(read.ref, blocks_made.ref, begin * sizeof *read.ref);
    assert_memory_equal(
        read.ref + begin, blocks_made.ref + end, (blocks_made.n - end) * sizeof *read.ref);
    rig_free(&read);
}

static void
test_damage(void **state)
{
    struct base_rng rng;
    char path[64];

    (void)state;
    test_rng_init(&rng, 7);
    rig_path(path);
    for (size_t block = 0; block < blocks_n; block++) {
        size_t len = OWN_BLOCK_LEN + own_load32(blocks_bytes + blocks_at[block] + 4);
        damage_block(path, block, blocks_at[block] + (size_t)base_rng_below(&rng, OWN_BLOCK_LEN));
        damage_block(path, block,
            blocks_at[block] + OWN_BLOCK_LEN + (size_t)base_rng_below(&rng, len - OWN_BLOCK_LEN));
    }
    unlink(path);
}

/* Reads all of a file whose header is damaged, which is told and costs nothing. */
static void
header_read(const char *path, const struct rig_trace *made, const struct pgw_trace_info *want)
{
    struct told told = {0};
    struct pgw_trace_options options;
    struct pgw_trace *trace;
    struct pgw_trace_info info;
    struct rig_trace read = {0};
    char why[PGW_TRACE_WHY] = "";

    assert_int_equal(pgw_trace_open(path, NULL, &trace, why), PGW_CORRUPT);
    assert_non_null(strstr(why, "header"));
    pgw_trace_options_init(&options);
    options.damaged = tell;
    options.ctx = &told;
    assert_int_equal(pgw_trace_open(path, &options, &trace, why), PGW_OK);
    assert_int_equal(told.n, 1);
    assert_int_equal(told.last.offset, 0);
    assert_int_equal(told.last.refs, 0);
    assert_non_null(strstr(told.last.what, "header is damaged"));
    pgw_trace_get_info(trace, &info);
    assert_int_equal(info.pages, want->pages);
    assert_int_equal(info.reduced, want->reduced);
    assert_true(info.exact);
    assert_int_equal(strlen(info.command), strlen(want->command));
    assert_int_equal(rig_read_on(&read, trace), PGW_OK);
    assert_int_equal(told.n, 1);
    rig_assert_same(made, 0, &read);
    assert_int_equal(pgw_trace_seek(trace, 0), PGW_OK);
    rig_free(&read);
    assert_int_equal(rig_read_on(&read, trace), PGW_OK);
    rig_assert_same(made, 0, &read);
    rig_free(&read);
    pgw_trace_close(trace);
}

/* Every bit of the header is flipped; then, of what it says, all is something else. */
static void
test_header(void **state)
{
    struct pgw_trace_writer_options options;
    struct base_rng rng;
    char path[64];

    (void)state;
    test_rng_init(&rng, 12);
    rig_path(path);
    pgw_trace_writer_options_init(&options);
    options.command = "a program with arguments";
    for (unsigned pages = 0; pages < 2; pages++) {
        struct rig_trace made = {0}, whole = {0};
        size_t len;
        options.pages = pages != 0;
        options.reduced = pages != 0 ? 20 : 0;
        rig_random(&made, &rng, 3000, true);
        rig_write(&made, path, &options);
        assert_int_equal(rig_read(&whole, path, NULL), PGW_OK);
        uint8_t *bytes = rig_load(path, &len);
        struct pgw_trace_info want = {
            .pages = options.pages, .reduced = options.reduced, .command = options.command};
        size_t command = OWN_HEADER_LEN + strlen(options.command);
        for (size_t bit = 0; bit < command * 8; bit += 1 + bit / (8 * OWN_HEADER_LEN)) {
            if (bit / 8 >= OWN_HEADER_LEN && bytes[bit / 8] == 1u << bit % 8)
                continue; /* it would end the command */
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            rig_save(path, bytes, len);
            header_read(path, &whole, &want);
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        memset(bytes + OWN_MAGIC_LEN + 4, 0xee, OWN_HEADER_LEN - OWN_MAGIC_LEN - 4);
        rig_save(path, bytes, len);
        want = (struct pgw_trace_info){.command = ""};
        header_read(path, &whole, &want);
        free(bytes);
        rig_free(&made);
        rig_free(&whole);
    }
    unlink(path);
}

/* A later version is no damage. */
static void
test_version(void **state)
{
    struct pgw_trace_options options;
    struct rig_trace made = {0}, read = {0};
    struct told told = {0};
    struct pgw_trace *trace;
    struct base_rng rng;
    char path[64], why[PGW_TRACE_WHY] = "";
    size_t len;

    (void)state;
    test_rng_init(&rng, 13);
    rig_path(path);
    rig_random(&made, &rng, 100, true);
    rig_write(&made, path, NULL);
    uint8_t *bytes = rig_load(path, &len);
    bytes[OWN_MAGIC_LEN] = 2;
    uint64_t hash = XXH64(bytes, 32, 0) ^ XXH64("", 0, 0);
    memcpy(bytes + 32, &hash, 8);
    rig_save(path, bytes, len);
    pgw_trace_options_init(&options);
    options.damaged = tell;
    options.ctx = &told;
    assert_int_equal(pgw_trace_open(path, &options, &trace, why), PGW_UNSUPPORTED);
    assert_non_null(strstr(why, "is of version 2, and this reads version 1"));
    assert_int_equal(told.n, 0);
    free(bytes);
    rig_free(&made);
    rig_free(&read);
    unlink(path);
}

/* What was made of a damaged trace can be read, and says that something is missing. */
static void
test_missing(void **state)
{
    struct pgw_trace_writer *writer;
    struct pgw_trace *trace;
    struct pgw_trace_info info;
    struct rig_trace made = {0}, read = {0};
    struct base_rng rng;
    char path[64], why[PGW_TRACE_WHY];

    (void)state;
    test_rng_init(&rng, 14);
    rig_path(path);
    rig_random(&made, &rng, 1000, false);
    assert_int_equal(pgw_trace_writer_create(path, NULL, &writer, why), PGW_OK);
    assert_int_equal(pgw_trace_write(writer, made.ref, made.n), PGW_OK);
    assert_int_equal(pgw_trace_writer_close_missing(writer), PGW_OK);
    assert_int_equal(pgw_trace_open(path, NULL, &trace, why), PGW_OK);
    assert_int_equal(rig_read_on(&read, trace), PGW_OK);
    rig_assert_same(&made, 0, &read);
    pgw_trace_get_info(trace, &info);
    assert_true(info.truncated && !info.exact);
    pgw_trace_close(trace);
    rig_free(&made);
    rig_free(&read);
    unlink(path);
}

/* A file that was cut off is read up to its last whole block. */
static void
test_cut_off(void **state)
{
    struct base_rng rng;
    char path[64];

    (void)state;
    test_rng_init(&rng, 8);
    rig_path(path);
    for (unsigned i = 0; i < 12; i++) {
        size_t len = OWN_HEADER_LEN + (size_t)base_rng_below(&rng, blocks_len - OWN_HEADER_LEN);
        size_t whole = 0;
        if (i < 4) /* on a block's edge, and in the index */
            len = i < 3 ? blocks_at[i] : blocks_len - 1 - (size_t)base_rng_below(&rng, 60);
        while (whole < blocks_n &&
               blocks_at[whole] + OWN_BLOCK_LEN + own_load32(blocks_bytes + blocks_at[whole] + 4) <=
                   len)
            whole++;
        struct rig_trace read = {0};
        rig_save(path, blocks_bytes, len);
        assert_int_equal(rig_read(&read, path, NULL), PGW_OK);
        assert_int_equal(read.n, whole == blocks_n ? blocks_made.n : block_time(whole));
        assert_memory_equal(read.ref, blocks_made.ref, read.n * sizeof *read.ref);
        rig_free(&read);
    }
    unlink(path);
}

/* ---- everything small: every byte ---- */

/* Whatever becomes of a byte, or of the end, nothing that is read was not written. */
static void
small_read(const char *path, const struct rig_trace *made, bool cut)
{
    struct told told = {0};
    struct pgw_trace_options options;
    struct rig_trace read = {0};

    pgw_trace_options_init(&options);
    options.damaged = tell;
    options.ctx = &told;
    options.format = PGW_TRACE_OWN;
    enum pgw_status status = rig_read(&read, path, &options);
    assert_true(status == PGW_OK || status == PGW_CORRUPT || status == PGW_UNSUPPORTED ||
                status == PGW_INVAL);
    assert_true(read.n == 0 || read.n == made->n);
    if (read.n > 0)
        rig_assert_same(made, 0, &read);
    else
        assert_true(cut || told.n > 0 || status != PGW_OK);
    rig_free(&read);
}

static void
test_every_byte(void **state)
{
    struct rig_trace made = {0};
    struct base_rng rng;
    uint8_t *bytes;
    char path[64];
    size_t len;

    (void)state;
    test_rng_init(&rng, 9);
    rig_path(path);
    rig_random(&made, &rng, 400, true);
    rig_write(&made, path, NULL);
    bytes = rig_load(path, &len);
    for (size_t i = 0; i < len; i++) {
        rig_save(path, bytes, i);
        small_read(path, &made, true);
        uint8_t was = bytes[i];
        bytes[i] ^= (uint8_t)(1u << base_rng_below(&rng, 8));
        rig_save(path, bytes, len);
        small_read(path, &made, false);
        bytes[i] = was;
    }
    free(bytes);
    rig_free(&made);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seek),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_every_byte),
    };
    return cmocka_run_group_tests(tests, blocks_setup, blocks_teardown);
}
