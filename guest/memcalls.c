/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls about memory, for comparing one kernel with another.
 *
 *     memcalls SEED STEPS [UNIT [FEATURES [STEP,STEP,...]]]
 *
 * does STEPS steps on a window of its address space, on its heap, on three files and a shared
 * segment, together with a child that it forks now and then, and prints a line a step: the call,
 * its result or error, and what became of the bytes.  Stores and loads go on where they are not
 * allowed: a handler tells which signal came, with which code.  Everything that is printed is the
 * same on every machine: places are page numbers within the window ("heap+" n for the heap), and
 * what Linux leaves open (which pages are in RAM, what MADV_FREE left, where a mapping is put) is
 * not printed.
 *
 * Each step is a function of SEED and its own number, so that the last argument can choose some of
 * them: that is how the runner (tests/scenario/memcalls.py) shrinks a run that differs.
 *
 * UNIT: pages a unit of the window, 1 to look at every byte, more to have huge pages.  FEATURES:
 * letters, l: memory is locked.
 *
 * The program models as little as it can: for each unit, which mapping it belongs to (calls that
 * want one mapping get one, as it is the kernel's affair which neighbours it joins) and what kind
 * of memory it is.  Stores to shared memory of a file stay in the first LOW bytes of a page, and
 * files end at the end of a page or above those: what is stored past the end of a file is
 * undefined.
 *
 * Left out: rights to write or execute but not to read (a matter of the processor); MAP_GROWSDOWN
 * (on Linux each part of a stack that was cut or moved grows); MREMAP_DONTUNMAP where memory is
 * locked (of a part of a mapping, Linux 6.18 unlocks all); MADV_REMOVE of a file on a disk, which
 * the machine does not have; which error of two comes first for MAP_FIXED_NOREPLACE.
 */
#include "memcalls.h"

/* What a unit looks like: in *sum all bytes if units are pages, else some. */
static char
look_unit(unsigned u, uint64_t *sum)
{
    size_t pages = unit / GUEST_PAGE, step = pages > 4 ? pages / 3 : 1;
    char all = 0;

    *sum = 0;
    for (size_t i = 0; i < pages; i += step) {
        unsigned char *at = place(u) + i * GUEST_PAGE, byte = 0;
        char now = load(at + (i * 7) % LOW, &byte);
        if (now == '.' && pages == 1)
            *sum = guest_sum(*sum, guest_sum_bytes(at, GUEST_PAGE));
        else
            *sum = guest_sum(*sum, byte + 256u * (unsigned char)now);
        all = all == 0 || all == now ? now : '*';
    }
    return all;
}

static void
step_look(void)
{
    say("look:");
    for (unsigned u = 0; u < UNITS + HEAP; u++) {
        uint64_t sum;
        char there = look_unit(u, &sum);
        if (there == '.' || there == '*')
            say(" %04x", (unsigned)(sum & 0xffff));
        else
            say(" %c", there);
    }
}

/* --- what /proc says --- */

struct region {
    unsigned long start, end, offset;
    char rights[8], name, flags[64];
};

/* A line of smaps: the start of a region, or its flags.  Names: of the file, by kind. */
static bool
region_line(const char *line, struct region *region)
{
    struct region is = {0};
    int name = 0;

    if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %n", &is.start, &is.end, is.rights, &is.offset,
            &name) < 4)
        return false;
    *region = is;
    region->name = '-';
    if (strncmp(line + name, "/memfd:", 7) == 0)
        region->name = 'M';
    else if (strncmp(line + name, "/SYSV", 5) == 0)
        region->name = 'S';
    else if (strstr(line + name, "memcalls-") != NULL)
        region->name = 'F';
    if (region->name == '-') /* memory without a name has none that counts */
        region->offset = 0;
    return true;
}

static void
region_flags(const char *line, struct region *region)
{
    static const char *const known[] = {
        " sh", " mw", " ms", " lo", " sr", " rr", " dc", " lf", " wf", " hg", " nh", " mg"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strstr(line, known[i]) != NULL)
            strcat(region->flags, known[i]);
}

static void
say_region(const struct region *region)
{
    bool window = region->start - (uintptr_t)WINDOW < UNITS * unit;
    uintptr_t from = window ? (uintptr_t)WINDOW : (uintptr_t)heap;

    if (region->end == 0)
        return;
    say(" [%s%ld,%ld %s %c", window ? "" : "heap ", (long)(region->start - from) / 4096,
        (long)(region->end - from) / 4096, region->rights, region->name);
    if (region->name != '-')
        say(" %lu", region->offset / GUEST_PAGE);
    say("%s]", region->flags);
}

/* Cuts off what lies outside of [from, from + len); false: that is all of it. */
static bool
clip_region(struct region *region, const unsigned char *from, size_t len)
{
    uintptr_t start = (uintptr_t)from, end = start + len;

    if (region->end <= start || region->start >= end)
        return false;
    if (region->start < start) {
        region->offset += region->name == '-' ? 0 : start - region->start;
        region->start = start;
    }
    if (region->end > end)
        region->end = end;
    return true;
}

/* Joins what cannot be told apart: which neighbours are one region is the kernel's own affair. */
static void
say_joined(struct region *before, const struct region *now)
{
    unsigned long offset = before->offset + (before->end - before->start);

    if (before->end == now->start && strcmp(before->rights, now->rights) == 0 &&
        before->name == now->name && strcmp(before->flags, now->flags) == 0 &&
        (now->name == '-' || offset == now->offset)) {
        before->end = now->end;
        return;
    }
    say_region(before);
    *before = *now;
}

/* The part of an area that is mapped, by the text of smaps. */
static void
say_area(char *smaps, const unsigned char *from, size_t len)
{
    struct region before = {0}, now = {0};

    for (char *line = smaps, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (!region_line(line, &now) && strncmp(line, "VmFlags:", 8) == 0) {
            region_flags(line, &now);
            if (clip_region(&now, from, len))
                say_joined(&before, &now);
        }
        *end = '\n';
    }
    say_region(&before);
}

static void
step_maps(void)
{
    static char smaps[1 << 18];
    int fd = open("/proc/self/smaps", O_RDONLY);
    size_t len = 0;
    ssize_t n;

    while ((n = read(fd, smaps + len, sizeof smaps - 1 - len)) > 0)
        len += (size_t)n;
    close(fd);
    smaps[len] = '\0';
    say("maps:");
    say_area(smaps, WINDOW, UNITS * unit);
    say_area(smaps, heap, HEAP * unit);
}

/* --- the steps --- */

static const int rights[] = {PROT_NONE, PROT_READ, PROT_READ, PROT_READ | PROT_WRITE,
    PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC,
    PROT_READ | PROT_WRITE | PROT_EXEC};

static int
mapping_flags(bool anonymous, bool readonly)
{
    int flags = (below(2) != 0 ? MAP_SHARED : MAP_PRIVATE) | (anonymous ? MAP_ANONYMOUS : 0);

    switch (below(10)) {
    case 0:
        flags |= MAP_POPULATE;
        break;
    case 1:
        flags |= MAP_NORESERVE;
        break;
    case 2:
        flags |= locking ? MAP_LOCKED : 0;
        break;
    }
    if (below(6) == 0 && !readonly) /* what comes first, EEXIST or EACCES, differs */
        return flags | MAP_FIXED_NOREPLACE;
    return flags | MAP_FIXED;
}

static void
step_map(void)
{
    struct range r = pick(false);
    unsigned source = below(6); /* half of them anonymous */
    int prot = ANY_OF(rights), flags = mapping_flags(source > 2, source == 2);
    off_t offset = source > 2 ? 0 : (off_t)(below(FILE_UNITS) * unit);

    say_range("mmap", &r);
    say(" prot %d flags %x source %u offset %ld", prot, (unsigned)flags, source,
        (long)offset / (long)GUEST_PAGE);
    if (placed(mmap(r.at, r.len, prot, flags, source > 2 ? -1 : files[source], offset)))
        set(&r, source > 2 ? ANON : source == 0 ? MEMORY : DISK, (flags & MAP_SHARED) != 0);
}

/* Without MAP_FIXED the address is a wish: it is granted if nothing is there. */
static void
step_hint(void)
{
    struct range r = pick(false);
    void *at = mmap(r.at, r.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    say_range("hint", &r);
    if (at != r.at) {
        say(": %s", at == MAP_FAILED ? strerrorname_np(errno) : "elsewhere");
        if (at != MAP_FAILED)
            munmap(at, r.len);
        return;
    }
    say(": there");
    set(&r, ANON, false);
}

static void
step_unmap(void)
{
    struct range r = pick(true);

    say_range("munmap", &r);
    if (result(munmap(r.at, r.len)) == 0)
        set(&r, FREE, false);
}

static void
step_protect(void)
{
    struct range r = pick(true);
    int prot = ANY_OF(rights);

    say_range("mprotect", &r);
    say(" %d", prot);
    result(mprotect(r.at, r.len, prot));
    split(&r);
}

/* What a mapping is to grow to, if it may: of a segment that has grown, what shmdt leaves depends
 * on which pieces the kernel has joined. */
static unsigned
new_size(const struct range *old, unsigned n)
{
    return units[old->first].kind == SEGMENT && n > old->n ? old->n : n;
}

/* mremap without a flag: a mapping grows or shrinks where it is. */
static void
step_resize(void)
{
    unsigned u = below(UNITS), run = run_at(u);

    if (run == 0)
        return;
    struct range old = range_of(u, 1 + below(run));
    struct range new = range_of(u, new_size(&old, 1 + below(8)));
    say_range("mremap", &old);
    say(" to be %u", new.n);
    if (placed(mremap(old.at, old.len, new.len, 0))) {
        struct unit is = units[u];
        if (new.first + new.n > UNITS) {
            munmap(place(UNITS - 1) + unit, (new.first + new.n - UNITS) * unit);
            new.n = UNITS - new.first;
        }
        set(&old, FREE, false);
        set(&new, is.kind, is.shared);
    }
    learn();
}

/* To a named place, with or without what was there, or what is shared a second time. */
static void
step_move(void)
{
    unsigned u = below(UNITS), run = run_at(u), n = 1 + below(8), t = below(UNITS);

    if (run == 0)
        return;
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    flags |= !locking && below(5) == 0 ? MREMAP_DONTUNMAP : 0; /* locked: see above */
    struct range old = range_of(u, 1 + below(run));
    n = (flags & MREMAP_DONTUNMAP) != 0 ? old.n : new_size(&old, n);
    struct range new = range_of(t, n);
    if (t + n > UNITS)
        new = range_of(UNITS - n, n);
    bool again = below(8) == 0 && flags == (MREMAP_MAYMOVE | MREMAP_FIXED) &&
                 (new.first > u || new.first + n <= u); /* else Linux unmaps it, and fails then */
    size_t old_len = again ? 0 : old.len;
    struct unit is = units[u];
    say_range("mremap", &old);
    say_range(again ? " again to" : " to", &new);
    say(" flags %d", flags);
    if (!placed(mremap(old.at, old_len, new.len, flags, new.at))) {
        split(&old);
        split(&new);
    } else {
        if (!again)
            set(&old, (flags & MREMAP_DONTUNMAP) != 0 ? is.kind : FREE, is.shared);
        set(&new, is.kind, is.shared);
    }
    learn();
}

/* mremap may move it; where to is the kernel's choice, so it is fetched back from there. */
static void
step_wander(void)
{
    unsigned u = below(UNITS), run = run_at(u), n = 1 + below(8);

    if (run == 0)
        return;
    struct range old = range_of(u, 1 + below(run));
    n = new_size(&old, n);
    struct range new = range_of(below(UNITS - n), n);
    struct unit is = units[u];
    say_range("mremap", &old);
    say(" anywhere, to be %u", n);
    unsigned char *at = mremap(old.at, old.len, new.len, MREMAP_MAYMOVE);
    if (at == old.at) {
        say(": in place");
        new = range_of(u, u + n > UNITS ? UNITS - u : n);
        if (u + n > UNITS)
            munmap(place(UNITS - 1) + unit, (u + n - UNITS) * unit);
    } else if (at != MAP_FAILED) {
        say(": elsewhere");
        if (!placed(mremap(at, new.len, new.len, MREMAP_MAYMOVE | MREMAP_FIXED, new.at)))
            munmap(at, new.len);
    } else {
        result(-1);
        split(&old);
        return;
    }
    set(&old, FREE, false);
    set(&new, is.kind, is.shared);
    learn();
}

/* What MADV_FREE leaves is undefined until it is written anew. */
static void
renew(const struct range *r)
{
    for (unsigned char *at = r->at; at < r->at + r->len; at += GUEST_PAGE) {
        if (store(at, 5) == '.')
            memset(at, 5, GUEST_PAGE);
        else
            madvise(at, GUEST_PAGE, MADV_DONTNEED);
    }
}

static void
step_advise(void)
{
    static const int advices[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
        MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_REMOVE,
        MADV_DONTFORK, MADV_DOFORK, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE,
        MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD,
        MADV_PAGEOUT, MADV_PAGEOUT, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
        MADV_DONTNEED_LOCKED, MADV_COLLAPSE};
    struct range r = pick(true);
    int advice = ANY_OF(advices);

    if ((advice == MADV_REMOVE && has_disk(&r)) || (advice == MADV_FREE && !is_free_of_files(&r)))
        return;
    say_range("madvise", &r);
    say(" %d", advice);
    int ret = madvise(r.at, r.len, advice);
    if (advice != MADV_COLLAPSE) /* it depends on the RAM that there is */
        result(ret);
    if (advice == MADV_FREE)
        renew(&r);
    split(&r);
}

static void
step_lock(void)
{
    struct range r = pick(true);

    if (!locking)
        return;
    switch (below(8)) {
    case 0:
        say("mlockall 1");
        result(mlockall(MCL_CURRENT));
        break;
    case 1: {
        int how = below(2) != 0 ? MCL_FUTURE : MCL_FUTURE | MCL_ONFAULT;
        say("mlockall %d", how);
        result(mlockall(how));
        break;
    }
    case 2:
    case 3:
        say("munlockall");
        result(munlockall());
        break;
    case 4:
        say_range("mlock2", &r);
        result(syscall(SYS_mlock2, r.at, r.len, 1 /* on fault */));
        break;
    case 5:
        say_range("mlock", &r);
        result(mlock(r.at, r.len));
        break;
    default:
        say_range("munlock", &r);
        result(munlock(r.at, r.len));
    }
    split(&r);
}

static void
step_sync(void)
{
    static const int how[] = {
        MS_ASYNC, MS_SYNC, MS_INVALIDATE, MS_SYNC | MS_INVALIDATE, MS_ASYNC | MS_SYNC};
    struct range r = pick(true);
    int flags = ANY_OF(how);

    say_range("msync", &r);
    say(" %d", flags);
    result(msync(r.at, r.len, flags));
}

/* Changes where the heap ends, to a byte. */
static void
step_brk(void)
{
    size_t to = below(HEAP) * unit;
    to += below(2) != 0 ? below((unsigned)unit) : 0;

    say("brk %zu", to);
    unsigned char *now = (unsigned char *)syscall(SYS_brk, heap + to);
    result(now - heap);
    learn();
}

static void
step_attach(void)
{
    unsigned n = SHM_UNITS;
    struct range r = range_of(below(UNITS - n), n);
    int flags = below(2) != 0 ? SHM_REMAP : 0;
    flags |= below(3) == 0 ? SHM_RDONLY : 0;

    say_range("shmat", &r);
    say(" flags %o", (unsigned)flags);
    if (placed(shmat(segment, r.at, flags)))
        set(&r, SEGMENT, true);
}

static void
step_detach(void)
{
    unsigned u = below(UNITS);

    say("shmdt %u", u);
    result(shmdt(place(u)));
    learn();
}

static void
step_truncate(void)
{
    unsigned file = below(2);
    off_t end = file_end();

    say("ftruncate %u %ld", file, (long)end);
    result(ftruncate(files[file], end));
}

static void
step_allocate(void)
{
    static const int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
        FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE};
    unsigned file = below(2);
    int mode = ANY_OF(modes);
    off_t a = file_end(), b = file_end(), from = a < b ? a : b, to = a < b ? b : a;

    say("fallocate %u mode %d %ld to %ld", file, mode, (long)from, (long)to);
    result(fallocate(files[file], mode, from, to - from));
}

static unsigned char buffer[3 * GUEST_PAGE];

static void
step_write(void)
{
    unsigned file = below(2);
    off_t end = file_end();
    size_t len = below(sizeof buffer);

    if ((off_t)len > end)
        len = (size_t)end;
    memset(buffer, (int)below(256), sizeof buffer);
    say("pwrite %u %ld+%zu", file, (long)end - (long)len, len);
    result(pwrite(files[file], buffer, len, end - (off_t)len));
}

static void
step_read(void)
{
    unsigned file = below(2);
    off_t from = file_end();

    say("pread %u %ld", file, (long)from);
    ssize_t n = pread(files[file], buffer, sizeof buffer, from);
    if (result(n) > 0)
        say(" sum %04x", (unsigned)(guest_sum_bytes(buffer, (size_t)n) & 0xffff));
}

/* A call that writes to the window, and may stop on its way. */
static void
step_read_into(void)
{
    struct range r = pick(true);
    size_t most = r.len < 16 * GUEST_PAGE ? r.len : 16 * GUEST_PAGE;

    if (!is_free_of_files(&r))
        most = LOW - 16;
    size_t len = below((unsigned)most);
    off_t from = below(8 * GUEST_PAGE);
    say_range("pread to", &r);
    result(pread(scratch, r.at + 7, len, from));
}

static void
step_write_from(void)
{
    struct range r = pick(true);
    size_t most = r.len < 3 * GUEST_PAGE ? r.len : 3 * GUEST_PAGE;
    unsigned len = below((unsigned)most), offset = below(GUEST_PAGE);
    int ends[2];

    say_range("write from", &r);
    GUEST_CHECK(pipe2(ends, O_NONBLOCK) == 0);
    ssize_t n = write(ends[1], r.at + offset, len);
    if (result(n) > 0 && read(ends[0], buffer, sizeof buffer) == n)
        say(" sum %04x", (unsigned)(guest_sum_bytes(buffer, (size_t)n) & 0xffff));
    close(ends[0]);
    close(ends[1]);
}

static void
step_store(void)
{
    struct range r = pick(true);
    unsigned value = below(256);
    char last = 0;
    size_t times = 0;

    say_range("store", &r);
    say(" %u:", value);
    for (size_t i = 0; i < r.len; i += GUEST_PAGE) {
        const struct unit *u = &units[r.first + i / unit];
        bool all = !(u->shared && (u->kind == MEMORY || u->kind == DISK));
        char came =
            store(r.at + i + below(all ? GUEST_PAGE : LOW), (unsigned char)(value + i / 4096));
        if (came != last && times > 0)
            say(" %c%zu", last, times);
        times = came == last ? times + 1 : 1;
        last = came;
    }
    say(" %c%zu", last, times);
}

static void
step_incore(void)
{
    struct range r = pick(true);
    static unsigned char there[1 << 16];

    say_range("mincore", &r);
    result(mincore(r.at, r.len, there));
}

/* --- two processes --- */

static void step(uint64_t number);

/* The child does what its parent says, until there is no more to do. */
static _Noreturn void
serve(void)
{
    uint64_t number;

    is_child = true;
    learn();
    close(to_child[1]);
    close(from_child[0]);
    while (read(to_child[0], &number, sizeof number) == sizeof number) {
        step(number);
        flush();
        GUEST_CHECK(write(from_child[1], "", 1) == 1);
    }
    _exit(0);
}

static void
tell_child(uint64_t number)
{
    char done;

    flush();
    GUEST_CHECK(write(to_child[1], &number, sizeof number) == sizeof number);
    if (read(from_child[0], &done, 1) != 1) {
        say("the child has ended\n");
        flush();
        _exit(1);
    }
}

static void
step_child(void)
{
    int status = 0;

    if (is_child)
        return;
    if (child == 0) {
        say("fork\n");
        flush();
        GUEST_CHECK(pipe(to_child) == 0 && pipe(from_child) == 0);
        child = fork();
        if (child == 0)
            serve();
        GUEST_CHECK(child > 0);
        close(to_child[0]);
        close(from_child[1]);
        return;
    }
    close(to_child[1]);
    GUEST_CHECK(waitpid(child, &status, 0) == child);
    close(from_child[0]);
    child = 0;
    say("wait: %x", (unsigned)status);
}

/* --- the whole --- */

static const struct {
    unsigned weight;
    void (*make)(void);
} kinds[] = {{20, step_map}, {2, step_hint}, {4, step_unmap}, {12, step_protect}, {4, step_resize},
    {9, step_move}, {3, step_wander}, {18, step_advise}, {8, step_lock}, {4, step_sync},
    {3, step_brk}, {3, step_attach}, {2, step_detach}, {5, step_truncate}, {4, step_allocate},
    {4, step_write}, {4, step_read}, {4, step_read_into}, {3, step_write_from}, {24, step_store},
    {1, step_incore}, {4, step_maps}, {16, step_look}, {4, step_child}};

static void
step(uint64_t number)
{
    unsigned all = 0, i = 0;
    size_t before;

    state = seed * 0x9e3779b97f4a7c15u + number;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        all += kinds[k].weight;
    unsigned chosen = below(all);
    bool forks = false;
    for (; chosen >= kinds[i].weight; i++)
        chosen -= kinds[i].weight;
    forks = kinds[i].make == step_child;
    if (!is_child && !forks && child != 0 && below(3) == 0) {
        tell_child(number);
        return;
    }
    if (is_child)
        (void)below(3); /* the parent's decision */
    say("%llu%s ", (unsigned long long)number, is_child ? " child" : "");
    before = text_len;
    kinds[i].make();
    say(before == text_len ? "-\n" : "\n");
}

/* A file of some units, the first of which are full. */
static void
fill(int fd)
{
    GUEST_CHECK(fd >= 0);
    for (size_t i = 0; i < 8; i++) {
        memset(buffer, (int)(i * 7 + 1), GUEST_PAGE);
        GUEST_CHECK(pwrite(fd, buffer, GUEST_PAGE, (off_t)(i * GUEST_PAGE)) == GUEST_PAGE);
    }
}

static void
prepare(void)
{
    static unsigned char stack[1 << 15];
    char name[] = "/tmp/memcalls-XXXXXX";
    const stack_t aside = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {
        .sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    size_t room = (UNITS + 16) * unit;

    GUEST_CHECK(sigaltstack(&aside, NULL) == 0);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    GUEST_CHECK(
        mmap(WINDOW, room, PROT_NONE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0) == WINDOW &&
        munmap(WINDOW, room) == 0);
    uintptr_t end = (uintptr_t)syscall(SYS_brk, 0);
    heap = (unsigned char *)((end + unit - 1) / unit * unit);
    GUEST_CHECK((unsigned char *)syscall(SYS_brk, heap) == heap);
    files[0] = (int)syscall(SYS_memfd_create, "memcalls", 0);
    files[1] = mkstemp(name);
    files[2] = open(name, O_RDONLY);
    unlink(name);
    scratch = (int)syscall(SYS_memfd_create, "scratch", 0);
    fill(scratch);
    fill(files[0]);
    fill(files[1]);
    GUEST_CHECK(ftruncate(files[0], 10 * (off_t)unit) == 0 &&
                ftruncate(files[1], 10 * (off_t)unit + 777) == 0 && files[2] >= 0);
    segment = shmget(IPC_PRIVATE, SHM_UNITS * unit, IPC_CREAT | 0600);
    GUEST_CHECK(segment >= 0);
}

/* Is the step among those of "3,17,20"? */
static bool
is_chosen(const char *list, uint64_t number)
{
    while (list != NULL && *list != '\0') {
        char *end;
        if (strtoull(list, &end, 10) == number)
            return true;
        list = *end == ',' ? end + 1 : NULL;
    }
    return false;
}

int
main(int argc, char **argv)
{
    uint64_t steps = guest_arg(argc, argv, 2, 200);
    const char *features = argc > 4 ? argv[4] : "", *chosen = argc > 5 ? argv[5] : NULL;

    seed = guest_arg(argc, argv, 1, 1);
    unit = GUEST_PAGE * guest_arg(argc, argv, 3, 1);
    locking = strchr(features, 'l') != NULL;
    prepare();
    for (uint64_t i = 0; i < steps; i++) {
        if (chosen == NULL || is_chosen(chosen, i))
            step(i);
        flush();
    }
    step_look();
    say("\n");
    flush();
    if (child != 0) {
        step_child();
        say("\n");
        flush();
    }
    shmctl(segment, IPC_RMID, NULL);
    return 0;
}
