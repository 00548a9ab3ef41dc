/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recording through the public interface.  argv[1]: guest_refs, argv[2]: guest_worker, both for
 * riscv64; argv[3]: the only test to be run, if it is there.
 */
#include <pagewright/record.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest_refs.h"

static const char *refs_program, *worker;
static char file[64], other_file[64];

/* All of a trace. */
struct read_trace {
    struct pgw_ref *refs;
    size_t nrefs, refs_room;
    struct pgw_event *events;
    size_t *before; /* references before each */
    size_t nevents, events_room;
};

static void
keep(void **array, size_t *room, size_t n, size_t size)
{
    if (n < *room)
        return;
    *room = *room * 2 + 1024;
    *array = reallocarray(*array, *room, size);
    assert_non_null(*array);
}

static void
keep_event(struct read_trace *all, const struct pgw_event *event)
{
    size_t room = all->events_room;
    keep((void **)&all->events, &all->events_room, all->nevents, sizeof *all->events);
    if (room != all->events_room)
        all->before = reallocarray(all->before, all->events_room, sizeof *all->before);
    assert_non_null(all->before);
    all->before[all->nevents] = all->nrefs;
    all->events[all->nevents++] = *event;
}

static struct read_trace
read_trace(const char *path)
{
    struct read_trace all = {.refs = NULL};
    struct pgw_trace *trace;
    struct pgw_trace_batch batch = {.end = false};
    char why[PGW_TRACE_WHY] = "";

    if (pgw_trace_open(path, NULL, &trace, why) != PGW_OK)
        fail_msg("%s", why);
    while (!batch.end) {
        assert_int_equal(pgw_trace_next(trace, &batch), PGW_OK);
        for (size_t i = 0; i < batch.nrefs; i++) {
            keep((void **)&all.refs, &all.refs_room, all.nrefs, sizeof *all.refs);
            all.refs[all.nrefs++] = batch.refs[i];
        }
        if (batch.event != NULL)
            keep_event(&all, batch.event);
    }
    pgw_trace_close(trace);
    return all;
}

static void
drop_trace(struct read_trace *all)
{
    free(all->refs);
    free(all->events);
    free(all->before);
}

struct how {
    const char *mmu;
    uint64_t ram;
    unsigned harts;
    bool pages;
};

static struct pgw_stats
record(const struct how *how, const char *program, const char *argument, const char *path)
{
    char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)argument, NULL};
    struct pgw_stats stats = {.size = sizeof stats};
    struct pgw_record_options options;
    struct pgw_config config;
    struct pgw_system *system;
    int ended = -1;

    pgw_config_init(&config);
    config.ram = how->ram != 0 ? how->ram : 16 << 20;
    config.swap_size = 16 << 20;
    if (how->mmu != NULL)
        config.mmu = how->mmu;
    if (how->harts != 0)
        config.harts = how->harts;
    assert_int_equal(pgw_system_create(&config, &system), PGW_OK);
    pgw_record_options_init(&options);
    options.writer.pages = how->pages;
    options.writer.command = program;
    assert_int_equal(pgw_record_to(system, path, &options), PGW_OK);
    if (pgw_run(system, program, argv, argv + 2, &ended) != PGW_OK)
        fail_msg("%s", pgw_error_text(system));
    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), program == worker ? 3 : 0);
    assert_true(pgw_system_check(system));
    assert_int_equal(pgw_system_stats(system, &stats), PGW_OK);
    assert_int_equal(stats.spaces, 0);
    pgw_system_destroy(system);
    return stats;
}

static bool
is_ours(const struct pgw_ref *ref)
{
    return ref->va >= REFS_AT && ref->va < REFS_AT + REFS_LEN;
}

/* The next reference to the program's memory is this one. */
static void
expect_ref(const struct read_trace *all, size_t *at, uint32_t process, uint64_t va, unsigned size,
    unsigned kind)
{
    while (*at < all->nrefs && !is_ours(&all->refs[*at]))
        ++*at;
    assert_true(*at < all->nrefs);
    const struct pgw_ref *ref = &all->refs[(*at)++];
    assert_int_equal(ref->va, va);
    assert_int_equal(ref->size, size);
    assert_int_equal(ref->kind, kind);
    assert_int_equal(ref->process, process);
    assert_int_equal(ref->count, 1);
}

static void
known_references_are_recorded_in_order(void **state)
{
    (void)state;
    record(&(struct how){.ram = 0}, refs_program, NULL, file);
    struct read_trace all = read_trace(file);
    size_t at = 0;
    for (unsigned long i = 0; i < REFS_WORDS; i++)
        expect_ref(&all, &at, 1, REFS_AT + 8 * i, 8, PGW_REF_WRITE);
    for (unsigned long i = 0; i < REFS_WORDS; i++)
        expect_ref(&all, &at, 1, REFS_AT + 8 * i, 8, PGW_REF_READ);
    expect_ref(&all, &at, 1, REFS_AT + 64, 8, PGW_REF_READ | PGW_REF_WRITE);
    expect_ref(&all, &at, 1, REFS_CROSSING, 8, PGW_REF_WRITE);
    expect_ref(&all, &at, 1, REFS_AT + 4096, 1, PGW_REF_WRITE);
    expect_ref(&all, &at, 2, REFS_AT + 8, 8, PGW_REF_WRITE);
    expect_ref(&all, &at, 1, REFS_AT + 16, 8, PGW_REF_WRITE);
    while (at < all.nrefs && !is_ours(&all.refs[at]))
        at++;
    assert_int_equal(at, all.nrefs);
    drop_trace(&all);
}

/* The first event from *at on that is like this one; others may lie before it. */
static const struct pgw_event *
expect_event(const struct read_trace *all, size_t *at, enum pgw_event_kind kind, uint32_t process,
    uint64_t va)
{
    for (; *at < all->nevents; ++*at) {
        const struct pgw_event *event = &all->events[*at];
        if (event->kind == kind && event->process == process && event->va == va) {
            ++*at;
            return event;
        }
    }
    fail_msg("no event of kind %d in process %u at %#lx", (int)kind, process, (unsigned long)va);
    return NULL;
}

static void
events_are_recorded_where_they_happened(void **state)
{
    (void)state;
    record(&(struct how){.ram = 0}, refs_program, NULL, file);
    struct read_trace all = read_trace(file);
    size_t at = 0;
    assert_int_equal(all.events[0].kind, PGW_EVENT_EXEC);
    assert_int_equal(all.events[0].process, 1);
    assert_int_equal(all.before[0], 0);
    const struct pgw_event *event = expect_event(&all, &at, PGW_EVENT_MAP, 1, REFS_AT);
    assert_int_equal(event->len, REFS_LEN);
    assert_int_equal(event->prot, PGW_REF_READ | PGW_REF_WRITE);
    /* It comes before the first reference there. */
    for (size_t i = 0; i < all.before[at - 1]; i++)
        assert_false(is_ours(&all.refs[i]));
    event = expect_event(&all, &at, PGW_EVENT_FORK, 1, 0);
    assert_int_equal(event->other, 2);
    size_t child = at;
    event = expect_event(&all, &child, PGW_EVENT_UNMAP, 2, REFS_AT + 5 * 4096);
    assert_int_equal(event->len, 4096);
    event = expect_event(&all, &child, PGW_EVENT_DISCARD, 2, REFS_AT + 7 * 4096);
    assert_int_equal(event->len, 8192);
    expect_event(&all, &child, PGW_EVENT_EXEC, 2, 0);
    /* It is the same process still, and what it has mapped is its own. */
    size_t exec = child;
    expect_event(&all, &child, PGW_EVENT_EXIT, 2, 0);
    for (size_t i = exec; i < child; i++)
        assert_true(all.events[i].process == 1 || all.events[i].kind != PGW_EVENT_FORK);
    event = expect_event(&all, &at, PGW_EVENT_PROTECT, 1, REFS_AT + 4096);
    assert_int_equal(event->len, 4096);
    assert_int_equal(event->prot, PGW_REF_READ);
    event = expect_event(&all, &at, PGW_EVENT_DISCARD, 1, REFS_AT);
    assert_int_equal(event->len, 4096);
    event = expect_event(&all, &at, PGW_EVENT_MOVE, 1, REFS_AT + 8192);
    assert_int_equal(event->len, 8192);
    assert_int_equal(event->other, REFS_MOVED);
    event = expect_event(&all, &at, PGW_EVENT_MAP, 1, REFS_MOVED + 8192);
    assert_int_equal(event->len, 8192);
    event = expect_event(&all, &at, PGW_EVENT_UNMAP, 1, REFS_MOVED);
    assert_int_equal(event->len, 16384);
    expect_event(&all, &at, PGW_EVENT_EXIT, 1, 0);
    assert_int_equal(at, all.nevents);
    assert_int_equal(all.before[at - 1], all.nrefs);
    drop_trace(&all);
}

/* ---- what is mapped, as the events have it ---- */

struct mapped {
    struct mapped_range {
        uint32_t process;
        uint64_t start, end;
    } range[400];
    unsigned n;
};

static void
mapped_add(struct mapped *mapped, uint32_t process, uint64_t start, uint64_t end)
{
    assert_true(mapped->n < sizeof mapped->range / sizeof mapped->range[0]);
    if (start < end)
        mapped->range[mapped->n++] = (struct mapped_range){process, start, end};
}

static void
mapped_remove(struct mapped *mapped, uint32_t process, uint64_t start, uint64_t end)
{
    for (unsigned i = mapped->n; i-- > 0;) {
        struct mapped_range was = mapped->range[i];
        if (was.process != process || was.end <= start || was.start >= end)
            continue;
        mapped->range[i] = mapped->range[--mapped->n];
        mapped_add(mapped, process, was.start, start > was.start ? start : was.start);
        mapped_add(mapped, process, end < was.end ? end : was.end, was.end);
    }
}

static void
mapped_event(struct mapped *mapped, const struct pgw_event *event)
{
    uint64_t end = event->va + event->len;
    unsigned n = mapped->n;

    switch (event->kind) {
    case PGW_EVENT_MAP:
        mapped_remove(mapped, event->process, event->va, end);
        mapped_add(mapped, event->process, event->va, end);
        break;
    case PGW_EVENT_MOVE:
        mapped_add(mapped, event->process, event->other, event->other + event->len);
        mapped_remove(mapped, event->process, event->va, end);
        break;
    case PGW_EVENT_UNMAP:
        mapped_remove(mapped, event->process, event->va, end);
        break;
    case PGW_EVENT_FORK:
        for (unsigned i = 0; i < n; i++)
            if (mapped->range[i].process == event->process)
                mapped_add(
                    mapped, (uint32_t)event->other, mapped->range[i].start, mapped->range[i].end);
        break;
    case PGW_EVENT_EXEC:
    case PGW_EVENT_EXIT:
        mapped_remove(mapped, event->process, 0, UINT64_MAX);
        break;
    default:
        break;
    }
}

static bool
mapped_has(const struct mapped *mapped, uint32_t process, uint64_t va)
{
    for (unsigned i = 0; i < mapped->n; i++) {
        const struct mapped_range *range = &mapped->range[i];
        if (range->process == process && va >= range->start && va < range->end)
            return true;
    }
    return false;
}

/* Who reads the events alone knows of every place that is used, a stack's that grew, too. */
static void
every_reference_is_to_what_is_mapped(void **state)
{
    static const char *const arguments[] = {NULL, "work", "stack"};
    static const char *const schemes[] = {"sv39", "segments"};
    uint32_t process = 0;
    uint64_t page = 1;

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        if (i == 3) /* it forks, which takes what this scheme has not got */
            continue;
        record(&(struct how){.mmu = schemes[i / 3]}, refs_program, arguments[i % 3], file);
        struct read_trace all = read_trace(file);
        struct mapped mapped = {.n = 0};
        size_t event = 0;
        for (size_t k = 0; k < all.nrefs; k++) {
            const struct pgw_ref *ref = &all.refs[k];
            bool same = ref->process == process && ref->va / 4096 == page;
            for (; event < all.nevents && all.before[event] <= k; event++) {
                mapped_event(&mapped, &all.events[event]);
                same = false;
            }
            if (!same && !mapped_has(&mapped, ref->process, ref->va))
                fail_msg("%s %s: reference %zu, of process %u, to %#lx: nothing is mapped there",
                    schemes[i / 3], arguments[i % 3] != NULL ? arguments[i % 3] : "", k,
                    ref->process, (unsigned long)ref->va);
            process = ref->process;
            page = ref->va / 4096;
        }
        drop_trace(&all);
    }
}

/* Pages that an access touches besides its first. */
static uint64_t
crossings(const struct read_trace *all, bool fetches)
{
    uint64_t n = 0;
    for (size_t i = 0; i < all->nrefs; i++) {
        const struct pgw_ref *ref = &all->refs[i];
        n += (ref->kind == PGW_REF_FETCH) == fetches &&
             ref->va / 4096 != (ref->va + ref->size - 1) / 4096;
    }
    return n;
}

/* What is recorded are the machine's own counts. */
static void
expect_counts(const struct pgw_stats *stats, const struct read_trace *all)
{
    uint64_t fetches = 0;
    for (size_t i = 0; i < all->nrefs; i++)
        fetches += all->refs[i].kind == PGW_REF_FETCH;
    assert_int_equal(all->nrefs, stats->recorded);
    assert_int_equal(fetches, stats->recorded_fetches);
    assert_int_equal(all->nevents, stats->recorded_events);
    /* An ecall is fetched and does not retire. */
    assert_int_equal(fetches, stats->instructions + stats->syscalls);
    /* The machine counts by page, and what faulted too. */
    uint64_t data = stats->loads_stores - crossings(all, false);
    uint64_t fetched = stats->fetches - crossings(all, true);
    uint64_t faults = stats->minor + stats->major;
    assert_in_range(data, all->nrefs - fetches, all->nrefs - fetches + faults);
    assert_in_range(fetched, fetches, fetches + faults);
}

static void
expect_same_refs(const struct read_trace *a, const struct read_trace *b)
{
    assert_int_equal(a->nrefs, b->nrefs);
    for (size_t i = 0; i < a->nrefs; i++)
        if (memcmp(&a->refs[i], &b->refs[i], sizeof a->refs[i]) != 0)
            fail_msg("reference %zu: %#lx and %#lx", i, (unsigned long)a->refs[i].va,
                (unsigned long)b->refs[i].va);
}

/* A program's references are its own: no scheme, RAM or hart changes them, but for where the
 * address space ends. */
static void
references_are_the_same_on_every_machine(void **state)
{
    static const struct how hows[] = {{"sv39", 16 << 20, 1, false}, {"sv39", 320 << 10, 1, false},
        {"ref", 512 << 10, 2, false}, {"sv48", 16 << 20, 4, false}, {"x86-64", 512 << 10, 1, false},
        {"hashed", 512 << 10, 1, false}};
    struct read_trace first = {.refs = NULL};

    (void)state;
    for (unsigned i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        struct pgw_stats stats = record(&hows[i], refs_program, "work", file);
        struct read_trace all = read_trace(file);
        expect_counts(&stats, &all);
        if (i % 3 == 0) {
            drop_trace(&first);
            first = all;
            continue;
        }
        expect_same_refs(&first, &all);
        drop_trace(&all);
    }
    drop_trace(&first);
}

/* The pages that runs of full references touch are what --pages records. */
static void
pages_are_what_the_references_fold_to(void **state)
{
    struct pgw_ref run = {.count = 0};
    size_t at = 0;

    (void)state;
    record(&(struct how){.pages = false}, refs_program, "work", file);
    record(&(struct how){.pages = true}, refs_program, "work", other_file);
    struct read_trace full = read_trace(file), pages = read_trace(other_file);
    size_t next_event = 0;
    for (size_t i = 0; i <= full.nrefs; i++) {
        const struct pgw_ref *ref = &full.refs[i];
        uint64_t first = i < full.nrefs ? ref->va & ~4095ul : 0;
        uint64_t last = i < full.nrefs ? (ref->va + ref->size - 1) & ~4095ul : 0;
        bool event = false;
        for (; next_event < full.nevents && full.before[next_event] == i; next_event++)
            event = true;
        for (uint64_t page = first; page <= last; page += 4096) {
            if (run.count > 0 && (event || i == full.nrefs || page != run.va ||
                                     ref->process != run.process || run.count == UINT16_MAX)) {
                assert_true(at < pages.nrefs);
                assert_memory_equal(&pages.refs[at], &run, sizeof run);
                at++;
                run.count = 0;
            }
            event = false;
            if (i == full.nrefs)
                break;
            if (run.count == 0)
                run = (struct pgw_ref){.va = page, .process = ref->process, .kind = ref->kind};
            run.count++;
            run.writes = (uint16_t)(run.writes + ((ref->kind & PGW_REF_WRITE) != 0));
            run.fetches = (uint16_t)(run.fetches + (ref->kind == PGW_REF_FETCH));
        }
    }
    assert_int_equal(at, pages.nrefs);
    assert_int_equal(full.nevents, pages.nevents);
    drop_trace(&full);
    drop_trace(&pages);
}

/* A full disk ends the run, with one line that says so. */
static void
a_full_disk_ends_the_run(void **state)
{
    char *argv[] = {(char *)(uintptr_t)worker, (char *)(uintptr_t) "spin", NULL};
    struct pgw_record_options options;
    struct pgw_config config;
    struct pgw_system *system;
    int ended = -1;

    (void)state;
    pgw_config_init(&config);
    assert_int_equal(pgw_system_create(&config, &system), PGW_OK);
    pgw_record_options_init(&options);
    assert_int_not_equal(pgw_record_to(system, "/dev/full", &options), PGW_OK);
    assert_int_equal(pgw_record_to(system, "/nonexistent/x", &options), PGW_NOTFOUND);
    assert_int_equal(pgw_record_to(system, file, &options), PGW_OK);
    assert_int_equal(pgw_record_to(system, other_file, &options), PGW_INVAL);

    /* spin says "go" and never ends by itself. */
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){.rlim_cur = 65536, .rlim_max = before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    enum pgw_status status = pgw_run(system, worker, argv, argv + 2, &ended);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_not_equal(status, PGW_OK);
    assert_non_null(strstr(pgw_error_text(system), file));
    assert_true(pgw_system_check(system));
    struct read_trace all = read_trace(file);
    assert_true(all.nrefs > 0);
    drop_trace(&all);

    /* The system can be used as before. */
    argv[1] = (char *)(uintptr_t) "64";
    assert_int_equal(pgw_run(system, worker, argv, argv + 2, &ended), PGW_OK);
    assert_int_equal(WEXITSTATUS(ended), 3);
    pgw_system_destroy(system);
}

static void
expect_same_files(const char *a, const char *b)
{
    FILE *fa = fopen(a, "rb"), *fb = fopen(b, "rb");
    int ca, cb;
    assert_non_null(fa);
    assert_non_null(fb);
    do {
        ca = getc(fa);
        cb = getc(fb);
        assert_int_equal(ca, cb);
    } while (ca != EOF);
    fclose(fa);
    fclose(fb);
}

static void
same_run_same_file(void **state)
{
    (void)state;
    for (unsigned pages = 0; pages < 2; pages++) {
        const struct how how = {.mmu = "sv39", .ram = 1 << 20, .harts = 4, .pages = pages == 1};
        record(&how, worker, "1024", file);
        record(&how, worker, "1024", other_file);
        expect_same_files(file, other_file);
    }
}

static struct pgw_system *interrupted;

static void
interrupt(int signo)
{
    (void)signo;
    pgw_interrupt(interrupted, SIGINT);
}

/* An interrupt ends the program; the trace is whole. */
static void
an_interrupted_run_leaves_a_whole_trace(void **state)
{
    char *argv[] = {(char *)(uintptr_t)worker, (char *)(uintptr_t) "spin", NULL};
    const struct itimerval timer = {.it_value = {.tv_usec = 50000}};
    struct pgw_record_options options;
    struct pgw_trace_info info = {.truncated = true};
    struct pgw_config config;
    struct pgw_trace *trace;
    char why[PGW_TRACE_WHY];
    int ended = -1;

    (void)state;
    pgw_config_init(&config);
    assert_int_equal(pgw_system_create(&config, &interrupted), PGW_OK);
    pgw_record_options_init(&options);
    assert_int_equal(pgw_record_to(interrupted, file, &options), PGW_OK);
    (void)signal(SIGALRM, interrupt);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    assert_int_equal(pgw_run(interrupted, worker, argv, argv + 2, &ended), PGW_OK);
    assert_true(WIFSIGNALED(ended));
    assert_int_equal(WTERMSIG(ended), SIGINT);
    struct pgw_stats stats = {.size = sizeof stats};
    assert_int_equal(pgw_system_stats(interrupted, &stats), PGW_OK);
    pgw_system_destroy(interrupted);
    assert_int_equal(pgw_trace_open(file, NULL, &trace, why), PGW_OK);
    pgw_trace_get_info(trace, &info);
    assert_true(info.exact && !info.truncated);
    assert_int_equal(info.refs, stats.recorded);
    pgw_trace_close(trace);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_references_are_recorded_in_order),
        cmocka_unit_test(events_are_recorded_where_they_happened),
        cmocka_unit_test(every_reference_is_to_what_is_mapped),
        cmocka_unit_test(references_are_the_same_on_every_machine),
        cmocka_unit_test(pages_are_what_the_references_fold_to),
        cmocka_unit_test(same_run_same_file),
        cmocka_unit_test(a_full_disk_ends_the_run),
        cmocka_unit_test(an_interrupted_run_leaves_a_whole_trace),
    };
    if (argc < 3)
        return 1;
    refs_program = argv[1];
    worker = argv[2];
    if (argc > 3)
        cmocka_set_test_filter(argv[3]);
    (void)snprintf(file, sizeof file, "/tmp/pgw-record-%d.pwt", (int)getpid());
    (void)snprintf(other_file, sizeof other_file, "/tmp/pgw-record-%d-2.pwt", (int)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(file);
    (void)unlink(other_file);
    return failed;
}
