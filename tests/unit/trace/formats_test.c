/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces of others: what each format says, recognised by content, cut off at every byte.  argv: one
 * of each format and compression, to be damaged at every byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace_rig.h"

static struct rig_trace got;
static char path[64];

static int
setup(void **state)
{
    (void)state;
    rig_path(path);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    rig_free(&got);
    unlink(path);
    return 0;
}

/* Reads these bytes as whatever they are; the format that was recognised. */
static enum pgw_status
read_bytes(const void *bytes, size_t len, const struct pgw_trace_options *options,
    enum pgw_trace_format want)
{
    struct pgw_trace *trace;
    struct pgw_trace_info info;
    char why[PGW_TRACE_WHY];

    rig_free(&got);
    rig_save(path, bytes, len);
    enum pgw_status status = pgw_trace_open(path, options, &trace, why);
    if (status != PGW_OK) {
        assert_non_null(strstr(why, path));
        return status;
    }
    pgw_trace_get_info(trace, &info);
    assert_int_equal(info.format, want);
    assert_true(info.pages || want != PGW_TRACE_DAMON);
    status = rig_read_on(&got, trace);
    pgw_trace_close(trace);
    return status;
}

static enum pgw_status
read_text(const char *text, enum pgw_trace_format want)
{
    return read_bytes(text, strlen(text), NULL, want);
}

static void
assert_ref(size_t i, uint32_t process, uint8_t kind, uint64_t va, unsigned size)
{
    struct pgw_ref want = rig_ref(process, kind, va, size);

    assert_true(i < got.n);
    assert_int_equal(got.ref[i].va, va);
    assert_int_equal(got.ref[i].process, process);
    assert_memory_equal(&got.ref[i], &want, sizeof want);
}

static void
test_lackey(void **state)
{
    (void)state;
    assert_int_equal(read_text("==1234== Lackey, an example Valgrind tool\n==1234== \n"
                               "I  04016b10,3\n L 1ffeffe7e8,8\n S 1FFEFFE7E0,4\r\n M 00000010,2\n"
                               "==1234== done\n",
                         PGW_TRACE_LACKEY),
        PGW_OK);
    assert_int_equal(got.n, 4);
    assert_ref(0, 1, PGW_REF_FETCH, 0x04016b10, 3);
    assert_ref(1, 1, PGW_REF_READ, 0x1ffeffe7e8, 8);
    assert_ref(2, 1, PGW_REF_WRITE, 0x1ffeffe7e0, 4);
    assert_ref(3, 1, PGW_REF_READ | PGW_REF_WRITE, 0x10, 2);
    assert_int_equal(read_text("I  1,2\n L 3,4,5\n", PGW_TRACE_LACKEY), PGW_CORRUPT);
    assert_int_equal(read_text("I  1,2\n@ fly 1\n", PGW_TRACE_LACKEY), PGW_CORRUPT);
    assert_int_equal(read_text("I  1,2\n L 0,99999999999\n", PGW_TRACE_LACKEY), PGW_CORRUPT);
    assert_int_equal(read_text("I  1,2\n L 11112222333344445,1\n", PGW_TRACE_LACKEY), PGW_CORRUPT);
}

/* References that lie in more than two pages are several. */
static void
test_long(void **state)
{
    (void)state;
    assert_int_equal(read_text("l 0x1ffe 8195\n", PGW_TRACE_TEXT), PGW_OK);
    assert_int_equal(got.n, 4);
    assert_ref(0, 1, PGW_REF_READ, 0x1ffe, 2);
    assert_ref(1, 1, PGW_REF_READ, 0x2000, 4096);
    assert_ref(2, 1, PGW_REF_READ, 0x3000, 4096);
    assert_ref(3, 1, PGW_REF_READ, 0x4000, 1);
}

static void
test_directives(void **state)
{
    (void)state;
    assert_int_equal(read_text("@ process 7\n@ map 0x1000 0x2000 rws\n@ protect 0x1000 0x1000 -\n"
                               "@ move 0x1000 0x2000 0x9000\n@ fork 8\n L 00001000,0 *17 w3 f2\n"
                               "@ discard 0x1000 0x1000\n@ unmap 0x1000 0x1000\n"
                               "@ exec /bin/two words\n@ exit\n",
                         PGW_TRACE_LACKEY),
        PGW_OK);
    assert_int_equal(got.nevents, 8);
    assert_int_equal(got.event[0].event.prot, PGW_REF_READ | PGW_REF_WRITE | PGW_EVENT_SHARED);
    assert_int_equal(got.event[0].event.process, 7);
    assert_int_equal(got.event[1].event.prot, 0);
    assert_int_equal(got.event[2].event.other, 0x9000);
    assert_int_equal(got.event[3].event.other, 8);
    assert_int_equal(got.event[4].at, 1);
    assert_string_equal(got.event[6].text, "/bin/two words");
    assert_int_equal(got.ref[0].count, 17);
    assert_int_equal(got.ref[0].writes, 3);
    assert_int_equal(got.ref[0].fetches, 2);
    assert_int_equal(
        read_text("@ process 1\n L 00001001,0 *17 w3 f2\n", PGW_TRACE_LACKEY), PGW_CORRUPT);
    assert_int_equal(
        read_text("@ process 1\n L 00001000,0 *5 w3 f3\n", PGW_TRACE_LACKEY), PGW_CORRUPT);
}

static void
test_ids_and_text(void **state)
{
    (void)state;
    assert_int_equal(
        read_text("# pages\n\n1\n0x10 # x\n 18446744073709551615\n", PGW_TRACE_IDS), PGW_OK);
    assert_int_equal(got.n, 3);
    assert_ref(0, 1, PGW_REF_READ, 0x1000, 0);
    assert_ref(1, 1, PGW_REF_READ, 0x10000, 0);
    assert_ref(2, 4096, PGW_REF_READ, 0xfffffffffffff000, 0);
    assert_int_equal(read_text("7 0 1 \t2#\n \n0x3 0\n", PGW_TRACE_IDS), PGW_OK);
    assert_int_equal(got.n, 6); /* several in a line */
    assert_ref(3, 1, PGW_REF_READ, 0x2000, 0);
    assert_ref(5, 1, PGW_REF_READ, 0, 0);
    assert_int_equal(read_text("7 0 read\n", PGW_TRACE_IDS), PGW_CORRUPT);
    assert_int_equal(read_text("1\n2\nthree\n", PGW_TRACE_IDS), PGW_CORRUPT);
    assert_int_equal(got.n, 2); /* what comes before the damage is read */
    assert_int_equal(read_text("1\n18446744073709551616\n", PGW_TRACE_IDS), PGW_CORRUPT);
    assert_int_equal(read_text("l 0x10 4\ns 0xFFF 8", PGW_TRACE_TEXT), PGW_OK);
    assert_ref(0, 1, PGW_REF_READ, 0x10, 4);
    assert_ref(1, 1, PGW_REF_WRITE, 0xfff, 8);
    assert_int_equal(read_text("l 0x10 4\nx 0xFFF 8\n", PGW_TRACE_TEXT), PGW_CORRUPT);
}

/* The last line need not end, wherever the pieces do in which the file is read. */
static void
test_last_line(void **state)
{
    enum { PIECE = 256 << 10 };
    static char text[PIECE + 16];
    static const char last[] = "5\n123456";

    (void)state;
    for (size_t before = PIECE - 16; before <= PIECE; before += 8) {
        for (size_t at = 0; at < before; at += 8)
            memcpy(text + at, "1234567\n", 8);
        memcpy(text + before, last, sizeof last);
        assert_int_equal(read_text(text, PGW_TRACE_IDS), PGW_OK);
        assert_int_equal(got.n, before / 8 + 2);
        assert_ref(got.n - 2, 1, PGW_REF_READ, 5 << 12, 0);
        assert_ref(got.n - 1, 1, PGW_REF_READ, 123456 << 12, 0);
    }
}

/* A line of more references than are handed out at a time. */
static void
test_long_line(void **state)
{
    enum { PAGES = 3 * 4096 + 5 };
    static char text[PAGES * 2 + 1];

    (void)state;
    for (size_t i = 0; i < PAGES; i++)
        memcpy(text + 2 * i, i % 2 == 0 ? "3 " : "4 ", 2);
    assert_int_equal(read_text(text, PGW_TRACE_IDS), PGW_OK);
    assert_int_equal(got.n, PAGES);
    assert_ref(PAGES - 1, 1, PGW_REF_READ, 0x3000, 0);
    assert_ref(PAGES - 2, 1, PGW_REF_READ, 0x4000, 0);
}

/* The damaged line is told, and the rest read, if that is wanted. */
static void
note_damage(void *ctx, const struct pgw_trace_damage *damage)
{
    *(uint64_t *)ctx = damage->offset;
}

static void
test_damaged_line(void **state)
{
    static const char text[] = "1\n2\nthree\n4\n";
    struct pgw_trace_options options;
    uint64_t offset = 0;

    (void)state;
    pgw_trace_options_init(&options);
    options.damaged = note_damage;
    options.ctx = &offset;
    assert_int_equal(read_bytes(text, sizeof text - 1, &options, PGW_TRACE_IDS), PGW_OK);
    assert_int_equal(offset, 4);
    assert_int_equal(got.n, 3);
    assert_ref(2, 1, PGW_REF_READ, 0x4000, 0);
}

static void
test_csv(void **state)
{
    struct pgw_trace_options options;
    static const char text[] = "7|x|3\n8|y|3\n";

    (void)state;
    assert_int_equal(
        read_text(
            "time,obj_id,obj_size\n1, 5,100\n2,\"0x6\",100\n3,name,1\n4,name,1\n", PGW_TRACE_CSV),
        PGW_OK);
    assert_int_equal(got.n, 4);
    assert_ref(0, 1, PGW_REF_READ, 0x5000, 0);
    assert_ref(1, 1, PGW_REF_READ, 0x6000, 0);
    assert_memory_equal(&got.ref[2], &got.ref[3], sizeof got.ref[2]);
    assert_int_equal(read_text("1\t5\t100\n2\t6\t100\n", PGW_TRACE_CSV), PGW_OK);
    assert_int_equal(got.n, 2);
    assert_int_equal(read_text("1,5,100\n2,6,100\n3\n", PGW_TRACE_CSV), PGW_CORRUPT);
    assert_int_equal(read_text("# pages, one a line\n1\n2\n", PGW_TRACE_IDS), PGW_OK);
    assert_int_equal(got.n, 2);
    assert_int_equal(read_text("1,5,100", PGW_TRACE_CSV), PGW_OK);
    assert_int_equal(read_text("#time, id, size\n1,5,100\n", PGW_TRACE_CSV), PGW_OK);
    assert_int_equal(got.n, 1);
    pgw_trace_options_init(&options);
    options.csv_id = 1;
    options.csv_header = true;
    options.format = PGW_TRACE_CSV;
    assert_int_equal(read_bytes(text, sizeof text - 1, &options, PGW_TRACE_CSV), PGW_OK);
    assert_int_equal(got.n, 1);
    assert_ref(0, 1, PGW_REF_READ, 0x8000, 0);
}

/* ---- binary ---- */

static uint8_t bytes[65536];
static size_t len;

static void
put(uint64_t value, size_t size)
{
    memcpy(bytes + len, &value, size);
    len += size;
}

static void
test_oracle(void **state)
{
    (void)state;
    len = 0;
    for (uint64_t i = 0; i < 100; i++) {
        put(1000 + i / 7, 4);
        put(i % 10 + 5, 8);
        put(4096 * (i % 3 + 1), 4);
        put(i < 90 ? i + 10 : UINT64_MAX, 8);
    }
    for (size_t cut = 24; cut <= len; cut++) {
        enum pgw_status status = read_bytes(bytes, cut, NULL, PGW_TRACE_ORACLE);
        assert_int_equal(status, cut % 24 == 0 ? PGW_OK : PGW_CORRUPT);
        if (status == PGW_OK)
            assert_int_equal(got.n, cut / 24);
    }
    assert_ref(99, 1, PGW_REF_READ, 14 * 4096, 0);
}

static void
test_champsim(void **state)
{
    (void)state;
    len = 0;
    for (uint64_t i = 0; i < 20; i++) {
        put(0x400000 + 4 * i, 8);
        put(i % 2 == 0 ? 0x0101 : 0, 2);
        put(0x050403020100, 6);
        put(i % 3 == 0 ? 0x7000 + i : 0, 8);
        put(0, 8);
        put(i % 2 == 0 ? 0x8000 + i : 0, 8);
        put(0x9000, 8);
        put(0, 8);
        put(0, 8);
    }
    for (size_t cut = 64; cut <= len; cut++) {
        enum pgw_status status = read_bytes(bytes, cut, NULL, PGW_TRACE_CHAMPSIM);
        assert_int_equal(status, cut % 64 == 0 ? PGW_OK : PGW_CORRUPT);
    }
    assert_int_equal(got.n, 20 + 10 + 20 + 7);
    assert_ref(0, 1, PGW_REF_FETCH, 0x400000, 0);
    assert_ref(1, 1, PGW_REF_READ, 0x8000, 0);
    assert_ref(2, 1, PGW_REF_READ, 0x9000, 0);
    assert_ref(3, 1, PGW_REF_WRITE, 0x7000, 0);
    assert_ref(4, 1, PGW_REF_FETCH, 0x400004, 0);
}

static void
test_damon_text(void **state)
{
    (void)state;
    assert_int_equal(
        read_text("kdamond.0 46568 [027] 79357.842179: damon:damon_aggregated: target_id=42 "
                  "nr_regions=2 8192-20480: 5 864\n"
                  "kdamond.0 46568 [027] 79357.842179: sched:sched_switch: something else\n"
                  "kdamond.0 46568 [027] 79357.842179: damon:damon_aggregated: target_id=43 "
                  "nr_regions=1 4096-8192: 100000\n"
                  "kdamond.0 46568 [027] 79357.842179: damon:damon_aggregated: target_id=42 "
                  "nr_regions=2 40960-45056: 0 1\n"
                  "kdamond.x xxxx xxxx 80000.000000: damon:damon_aggregated: target_id=42 "
                  "nr_regions=1 0-0: -1 -1\n",
            PGW_TRACE_DAMON),
        PGW_OK);
    assert_int_equal(got.n, 4);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(got.ref[i].va, 8192 + 4096 * i);
        assert_int_equal(got.ref[i].count, 5);
        assert_int_equal(got.ref[i].process, 1);
    }
    assert_int_equal(got.ref[3].count, UINT16_MAX);
    assert_int_equal(got.ref[3].process, 2);
    assert_int_equal(read_text("x damon:damon_aggregated: target_id=1 nr_regions=2 8192-4096: 5\n",
                         PGW_TRACE_DAMON),
        PGW_CORRUPT);
}

/* Regions of many pages come in batches; the file cut off anywhere ends with what is there. */
static void
test_damon_record(void **state)
{
    (void)state;
    for (uint64_t version = 1; version <= 2; version++) {
        len = 0;
        memcpy(bytes, "damon_recfmt_ver", len = 16);
        put(version, 4);
        for (uint64_t snapshot = 0; snapshot < 3; snapshot++) {
            put(snapshot, 8);
            put(0, 8);
            put(2, 4);
            for (uint64_t target = 10; target < 12; target++) {
                put(target, version == 1 ? 4 : 8);
                put(2, 4);
                for (uint64_t region = 0; region < 2; region++) {
                    put(region << 30, 8);
                    put((region << 30) + (6000 << 12), 8);
                    put(region * 3, 4);
                }
            }
        }
        size_t before = 0;
        for (size_t cut = 20; cut <= len; cut++) {
            enum pgw_status status = read_bytes(bytes, cut, NULL, PGW_TRACE_DAMON);
            assert_true(status == PGW_OK || status == PGW_CORRUPT);
            assert_true(got.n >= before || status == PGW_CORRUPT);
            before = status == PGW_OK ? got.n : before;
        }
        assert_int_equal(got.n, 3 * 2 * 6000);
        assert_int_equal(got.ref[6000].process, 2);
        assert_int_equal(got.ref[5999].va, (1ull << 30) + (5999 << 12));
        assert_int_equal(got.ref[0].count, 3);
    }
    bytes[16] = 9;
    assert_int_equal(read_bytes(bytes, len, NULL, PGW_TRACE_DAMON), PGW_UNSUPPORTED);
}

/* A record as DAMO writes it, of two snapshots of two regions; numbers as it writes them in files
 * of different age. */
#define DAMON_JSON_RECORD(id, samples)                                                             \
    "{\n \"kdamond_idx\": null, \"intervals\": {\"sample_us\": \"5,000\", \"aggr_us\": \"100 "     \
    "ms\"},\n"                                                                                     \
    " \"target_id\": " id ", \"scheme_filters\": [{\"a\": \"]}\\\"{[\"}],\n \"snapshots\": ["      \
    "{\"start_time\": \"1 s\", \"end_time\": 2000000000, \"regions\": ["                           \
    "{\"start\": \"1,073,741,824\", \"end\": \"1098317824\", \"nr_accesses\": "                    \
    "{\"samples\": " samples                                                                       \
    ", \"percent\": null}, \"age\": {\"usec\": null, \"aggr_intervals\": \"3\"}},"                 \
    "{\"start\": 4096, \"end\": 8192, \"nr_accesses\": {\"samples\": 0}}], \"total_bytes\": "      \
    "null},"                                                                                       \
    "{\"regions\": [{\"start\": \"0\", \"end\": \"0\", \"nr_accesses\": {\"samples\": -1}}]},"     \
    "{\"regions\": []}, {\"end_time\": 3, \"regions\": [{\"start\": 4096, \"end\": 8192, "         \
    "\"nr_accesses\": 70000}]}]}"

/* Two targets, of which one has a number as large as a kernel's address; cut off at every byte. */
static void
test_damon_json(void **state)
{
    static const char text[] = "[\n" DAMON_JSON_RECORD(
        "18446623435582458880", "5") ",\n" DAMON_JSON_RECORD("null", "\"1,000\"") "\n]\n";
    struct pgw_trace_options options;

    (void)state;
    assert_int_equal(read_text(text, PGW_TRACE_DAMON), PGW_OK);
    assert_int_equal(got.n, 2 * 6001);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(got.ref[6001 * i].va, 1ull << 30);
        assert_int_equal(got.ref[6001 * i].count, i == 0 ? 5 : 1000);
        assert_int_equal(got.ref[6001 * i + 5999].va, (1ull << 30) + (5999 << 12));
        assert_int_equal(got.ref[6001 * i + 6000].va, 4096);
        assert_int_equal(got.ref[6001 * i + 6000].count, UINT16_MAX);
        assert_int_equal(got.ref[6001 * i + 6000].process, i + 1);
    }
    pgw_trace_options_init(&options);
    options.format = PGW_TRACE_DAMON;
    for (size_t cut = 150; cut < strlen(text) - 2; cut++)
        assert_int_equal(read_bytes(text, cut, &options, PGW_TRACE_DAMON), PGW_CORRUPT);
    assert_int_equal(read_text("[{\"target_id\": 1, \"snapshots\": [{\"regions\": [{\"start\": 9, "
                               "\"end\": 8, \"nr_accesses\": 1}]}]}]",
                         PGW_TRACE_DAMON),
        PGW_CORRUPT);
    assert_int_equal(
        read_text("[{\"target_id\": 1, \"snapshots\": [{}]}]", PGW_TRACE_DAMON), PGW_CORRUPT);
    assert_int_equal(
        read_text("[{\"target_id\": 1, \"snapshots\": []}] x", PGW_TRACE_DAMON), PGW_CORRUPT);
}

static void
test_nothing(void **state)
{
    static const char *const nothing[] = {"hello world\n",
        "\x7f"
        "ELF\x02\x01\x01",
        "l\n", "{}\n"};

    (void)state;
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
        assert_int_equal(read_text(nothing[i], PGW_TRACE_AUTO), PGW_INVAL);
    char *line = malloc(200000);
    memset(line, '1', 199999);
    line[199999] = '\0';
    memcpy(line, "12\n", 3);
    assert_int_equal(read_text(line, PGW_TRACE_IDS), PGW_INVAL);
    free(line);
}

/* One that ends too early is read up to there, and told once, if that is wanted. */
static void
count_damage(void *ctx, const struct pgw_trace_damage *damage)
{
    assert_non_null(strstr(damage->what, "ends too early"));
    (*(unsigned *)ctx)++;
}

/* Wherever the file of 3000 numbers is cut off, what can be unpacked of it is read, and then damage
 * is told.  smooth: more of the file are more numbers; else they come by large blocks. */
static void
compressed_cuts(bool smooth)
{
    struct pgw_trace_options options;
    unsigned told = 0;
    size_t whole, before = 0;
    uint8_t *packed = rig_load(path, &whole);

    pgw_trace_options_init(&options);
    options.damaged = count_damage;
    options.ctx = &told;
    for (size_t cut = 0; cut < whole; cut += 1 + (whole - cut) / 40) {
        rig_save(path, packed, cut);
        rig_free(&got);
        assert_true(rig_read(&got, path, NULL) != PGW_OK);
        assert_in_range(got.n, before, 3000);
        before = got.n;
        assert_true(!smooth || cut < whole / 2 || got.n > 500);
        if (got.n > 0)
            assert_ref(got.n - 1, 1, PGW_REF_READ, got.n * 4096, 0);
        told = 0;
        rig_free(&got);
        assert_int_equal(rig_read(&got, path, &options) == PGW_OK, before > 0);
        assert_int_equal(got.n, before);
        assert_int_equal(told, before > 0);
    }
    assert_int_equal(before, 3000);
    free(packed);
}

/* A trace in each compression; cut off, it ends with an error after what is there. */
static void
test_compressed(void **state)
{
    static const char *const tools[] = {"gzip", "zstd", "xz"};
    char command[256];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct pgw_trace *trace;
        struct pgw_trace_info info;
        char why[PGW_TRACE_WHY];
        snprintf(command, sizeof command, "seq 1 3000 | %s -c >%s 2>/dev/null || exit 77", tools[i],
            path);
        if (system(command) != 0)
            continue; /* no such tool here */
        assert_int_equal(pgw_trace_open(path, NULL, &trace, why), PGW_OK);
        pgw_trace_get_info(trace, &info);
        assert_string_equal(info.compression, tools[i]);
        assert_int_equal(pgw_trace_seek(trace, 5), PGW_UNSUPPORTED);
        rig_free(&got);
        assert_int_equal(rig_read_on(&got, trace), PGW_OK);
        pgw_trace_close(trace);
        assert_int_equal(got.n, 3000);
        assert_ref(2999, 1, PGW_REF_READ, 3000 * 4096, 0);
        compressed_cuts(strcmp(tools[i], "zstd") != 0);
    }
}

/* Several, one after the other, and zeros behind them, are one; anything else behind is damage. */
static void
test_compressed_joined(void **state)
{
    static const struct {
        const char *command, *more;
        enum pgw_status status;
    } joined[] = {
        {"(seq 1 50 | gzip -c; seq 51 100 | gzip -c)", "", PGW_OK},
        {"(seq 1 50 | xz -c; seq 51 100 | xz -c)", "", PGW_OK},
        {"(seq 1 50 | zstd -c; seq 51 100 | zstd -c)", "", PGW_OK},
        {"(seq 1 100 | gzip -c)", "; head -c 700 /dev/zero", PGW_OK},
        {"(seq 1 100 | xz -c)", "; head -c 512 /dev/zero", PGW_OK},
        {"(seq 1 100 | gzip -c)", "; echo more", PGW_CORRUPT},
        {"(seq 1 100 | xz -c)", "; echo more", PGW_CORRUPT},
        {"(seq 1 100 | zstd -c)", "; echo more", PGW_CORRUPT},
    };
    char command[256];

    (void)state;
    for (size_t i = 0; i < sizeof joined / sizeof joined[0]; i++) {
        snprintf(command, sizeof command, "(%s%s) >%s 2>/dev/null", joined[i].command,
            joined[i].more, path);
        rig_free(&got);
        if (system(command) != 0 || system("which gzip xz zstd >/dev/null 2>&1") != 0)
            skip();
        assert_int_equal(rig_read(&got, path, NULL), joined[i].status);
        assert_int_equal(got.n, 100);
        assert_ref(99, 1, PGW_REF_READ, 100 * 4096, 0);
    }
}

/* Of zstd's blocks, all before the one that is damaged are read. */
static void
test_compressed_block(void **state)
{
    char command[256];
    size_t whole;

    (void)state;
    snprintf(
        command, sizeof command, "seq 100000 199999 | zstd -c >%s 2>/dev/null || exit 77", path);
    if (system(command) != 0)
        skip();
    uint8_t *packed = rig_load(path, &whole);
    for (size_t at = whole / 2; at < whole - 4; at += whole / 19) {
        packed[at] ^= 0x55;
        rig_save(path, packed, whole);
        packed[at] ^= 0x55;
        rig_free(&got);
        assert_int_equal(rig_read(&got, path, NULL), PGW_CORRUPT);
        size_t sure = (128 << 10) / 7; /* numbers in the first block */
        assert_in_range(got.n, sure, 100000);
        assert_ref(sure - 1, 1, PGW_REF_READ, (99999 + sure) * 4096, 0);
    }
    free(packed);
}

static void
test_compressed_cut_short(void **state)
{
    struct pgw_trace_options options;
    char command[256];
    unsigned told = 0;
    size_t whole;

    (void)state;
    snprintf(command, sizeof command, "seq 1 60000 | gzip -c >%s 2>/dev/null || exit 77", path);
    if (system(command) != 0)
        skip();
    uint8_t *packed = rig_load(path, &whole);
    rig_save(path, packed, whole * 3 / 4);
    free(packed);
    rig_free(&got);
    assert_int_equal(rig_read(&got, path, NULL), PGW_CORRUPT);
    size_t before = got.n;
    assert_in_range(before, 1000, 59999);
    assert_ref(before - 1, 1, PGW_REF_READ, before * 4096, 0);
    rig_free(&got);
    pgw_trace_options_init(&options);
    options.damaged = count_damage;
    options.ctx = &told;
    assert_int_equal(rig_read(&got, path, &options), PGW_OK);
    assert_int_equal(told, 1);
    assert_int_equal(got.n, before);
    assert_ref(before - 1, 1, PGW_REF_READ, before * 4096, 0);
}

/* ---- every byte of every format ---- */

static char **inputs;
static int ninputs;

static void
count_pieces(void *ctx, const struct pgw_trace_damage *damage)
{
    assert_true(damage->what[0] != '\0' && strchr(damage->what, '\n') == NULL);
    (*(unsigned *)ctx)++;
}

static void
expect_possible(const struct pgw_trace_batch *batch)
{
    for (size_t i = 0; i < batch->nrefs; i++) {
        const struct pgw_ref *ref = &batch->refs[i];
        if (ref->kind < 1 || ref->kind > 4 || ref->size > 4096 || ref->count == 0 ||
            (unsigned)ref->writes + ref->fetches > ref->count)
            fail_msg("an impossible reference");
    }
    assert_true(batch->event == NULL || (unsigned)batch->event->kind < PGW_EVENT_KINDS);
}

/* What is read of it is possible, and damage is told by one line.  A number that has become large
 * may stand for very many references: not all are read. */
static void
read_damaged(bool keep_going)
{
    struct pgw_trace_options options;
    struct pgw_trace_batch batch = {.end = false};
    struct pgw_trace *trace;
    char why[PGW_TRACE_WHY] = "";
    unsigned pieces = 0;

    pgw_trace_options_init(&options);
    options.damaged = keep_going ? count_pieces : NULL;
    options.ctx = &pieces;
    enum pgw_status status = pgw_trace_open(path, &options, &trace, why);
    if (status != PGW_OK) {
        assert_non_null(strstr(why, path));
        assert_null(strchr(why, '\n'));
        return;
    }
    for (unsigned n = 0; n < 8 && status == PGW_OK && !batch.end; n++) {
        status = pgw_trace_next(trace, &batch);
        if (status == PGW_OK)
            expect_possible(&batch);
    }
    if (status != PGW_OK) {
        assert_true(status == PGW_CORRUPT || status == PGW_INVAL);
        assert_non_null(strstr(pgw_trace_error_text(trace), path));
        /* With somebody to tell, only what is not known how to go on from ends it. */
        assert_true(!keep_going || status == PGW_INVAL);
    }
    pgw_trace_close(trace);
}

static void
test_every_byte(void **state)
{
    struct base_rng rng;

    (void)state;
    test_rng_init(&rng, 1);
    for (int i = 0; i < ninputs; i++) {
        size_t whole;
        uint8_t *all = rig_load(inputs[i], &whole);
        print_message("%s: %zu bytes\n", inputs[i], whole);
        for (size_t at = 0; at < whole; at++) {
            rig_save(path, all, at);
            read_damaged(at % 2 == 0);
            uint8_t was = all[at];
            all[at] ^= (uint8_t)(1u << base_rng_below(&rng, 8));
            rig_save(path, all, whole);
            read_damaged(false);
            read_damaged(true);
            all[at] = was;
        }
        free(all);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lackey),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_directives),
        cmocka_unit_test(test_ids_and_text),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_last_line),
        cmocka_unit_test(test_damaged_line),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_oracle),
        cmocka_unit_test(test_champsim),
        cmocka_unit_test(test_damon_text),
        cmocka_unit_test(test_damon_record),
        cmocka_unit_test(test_damon_json),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_compressed_joined),
        cmocka_unit_test(test_compressed_block),
        cmocka_unit_test(test_compressed_cut_short),
        cmocka_unit_test(test_every_byte),
    };

    inputs = argv + 1;
    ninputs = argc - 1;
    return cmocka_run_group_tests(tests, setup, teardown);
}
