/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Linux shows of a process and of memory under /proc, read as programs read it: line by line,
 * with strict formats, and held against what the program knows of itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static void
say(const char *what, int holds)
{
    printf("%s: %s\n", what, holds ? "yes" : "no");
}

/* All of a file, by reads of at most piece bytes; the number of bytes, or -errno. */
static ssize_t
slurp(const char *path, char *buf, size_t max, size_t piece)
{
    int fd = open(path, O_RDONLY);
    size_t len = 0;
    ssize_t n = 0;

    if (fd < 0)
        return -errno;
    while (len < max - 1) {
        n = read(fd, buf + len, max - 1 - len < piece ? max - 1 - len : piece);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    ssize_t ret = n < 0 ? -errno : (ssize_t)len;
    close(fd);
    buf[len] = '\0';
    return ret;
}

static int
spill(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    int ret = 0;

    if (fd < 0)
        return errno;
    if (write(fd, text, strlen(text)) < 0)
        ret = errno;
    close(fd);
    return ret;
}

struct line {
    unsigned long start, end, offset, inode;
    unsigned major, minor;
    char rights[5], path[512];
};

static int
parse(const char *text, struct line *line)
{
    int used = 0;

    memset(line, 0, sizeof *line);
    int n = sscanf(text, "%lx-%lx %4s %lx %x:%x %lu%n", &line->start, &line->end, line->rights,
        &line->offset, &line->major, &line->minor, &line->inode, &used);
    if (n != 7 || text[used] != ' ')
        return 0;
    const char *name = text + used + strspn(text + used, " ");
    size_t len = strcspn(name, "\n");
    if (len > 0 && name - text != 73 && used < 73)
        return 0;
    if (len >= sizeof line->path)
        return 0;
    memcpy(line->path, name, len);
    return 1;
}

static char text[1 << 20];

/* The line that holds address; 0: none, or the file is not as it must be. */
static int
find(const void *address, struct line *line)
{
    unsigned long at = (unsigned long)address, below = 0;
    int found = 0;

    if (slurp("/proc/self/maps", text, sizeof text, sizeof text) <= 0)
        return 0;
    for (char *l = text; *l != '\0'; l += strcspn(l, "\n") + 1) {
        struct line one;
        if (!parse(l, &one) || one.start < below || one.start >= one.end)
            return 0;
        if (one.start % GUEST_PAGE != 0 || one.end % GUEST_PAGE != 0)
            return 0;
        below = one.end;
        if (at >= one.start && at < one.end) {
            *line = one;
            found = 1;
        }
    }
    return found;
}

static void
show_region(const char *what, const void *address, const char *base)
{
    struct line line;

    if (!find(address, &line)) {
        printf("%s: not there\n", what);
        return;
    }
    printf("%s: %s %+ld..%+ld offset %lx %s\n", what, line.rights, (long)line.start - (long)base,
        (long)line.end - (long)base, line.offset, line.inode == 0 ? line.path : "a file");
}

static void
test_maps(char *program)
{
    char exe[512];
    struct line line;
    struct stat st;
    int local = 0;

    say("text is r-xp",
        find((void *)(uintptr_t)&test_maps, &line) && strcmp(line.rights, "r-xp") == 0);
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[len > 0 ? len : 0] = '\0';
    say("text is the program's file", strcmp(line.path, exe) == 0);
    say("exe is the program", stat(program, &st) == 0 && st.st_ino == line.inode &&
                                  major(st.st_dev) == line.major && minor(st.st_dev) == line.minor);
    say("data is rw-p", find(text, &line) && strcmp(line.rights, "rw-p") == 0);
    say("stack", find(&local, &line) && strcmp(line.path, "[stack]") == 0);
    char *heap = sbrk(3 * (intptr_t)GUEST_PAGE);
    say("heap", find(heap + GUEST_PAGE, &line) && strcmp(line.path, "[heap]") == 0);
    say("heap ends at the break", line.end == (((unsigned long)sbrk(0) + 4095) & ~4095ul));
}

static void
test_regions(void)
{
    size_t page = GUEST_PAGE;
    char *m = mmap(NULL, 16 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *a = m + 4 * page; /* with room around it, so that it has no neighbours */

    GUEST_CHECK(m != MAP_FAILED);
    GUEST_CHECK(mprotect(a, 5 * page, PROT_READ | PROT_WRITE) == 0);
    show_region("five pages", a, a);
    GUEST_CHECK(mprotect(a + page, 2 * page, PROT_READ) == 0);
    show_region("below", a, a);
    show_region("middle", a + page, a);
    show_region("above", a + 3 * page, a);
    GUEST_CHECK(munmap(a + 2 * page, page) == 0);
    show_region("hole", a + 2 * page, a);
    show_region("cut", a + page, a);
    int fd = open("/proc/self/exe", O_RDONLY);
    GUEST_CHECK(fd >= 0);
    char *f = mmap(a, 2 * page, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, (off_t)page);
    GUEST_CHECK(f == a);
    close(fd);
    show_region("file", f, a);
    GUEST_CHECK(munmap(m, 16 * page) == 0);
    show_region("gone", a, a);
}

static unsigned long
number_after(const char *path, const char *key, unsigned long otherwise)
{
    if (slurp(path, text, sizeof text, 1000) <= 0)
        return otherwise;
    const char *at = strstr(text, key);
    return at == NULL ? otherwise : strtoul(at + strlen(key), NULL, 10);
}

static unsigned long
statm(int field)
{
    unsigned long f[7] = {0};

    if (slurp("/proc/self/statm", text, sizeof text, 4096) <= 0)
        return 0;
    int n = sscanf(
        text, "%lu %lu %lu %lu %lu %lu %lu", &f[0], &f[1], &f[2], &f[3], &f[4], &f[5], &f[6]);
    return n == 7 ? f[field] : 0;
}

/* What smaps says of the region that starts at address, all at one time, in kB. */
struct smaps {
    long size, rss, pss, shared, private, private_dirty, swap;
};

static long
figure(const char *region, const char *key)
{
    const char *at = strstr(region, key);

    return at != NULL ? strtol(at + strlen(key), NULL, 10) : -1000000;
}

static struct smaps
smaps(const void *address)
{
    char start[32];

    snprintf(start, sizeof start, "%08lx-", (unsigned long)address);
    GUEST_CHECK(slurp("/proc/self/smaps", text, sizeof text, 3000) > 0);
    char *at = strstr(text, start);
    GUEST_CHECK(at != NULL && strstr(at, "VmFlags:") != NULL);
    *strstr(at, "VmFlags:") = '\0';
    return (struct smaps){
        .size = figure(at, "\nSize:"),
        .rss = figure(at, "\nRss:"),
        .pss = figure(at, "\nPss:"),
        .shared = figure(at, "\nShared_Clean:") + figure(at, "\nShared_Dirty:"),
        .private = figure(at, "\nPrivate_Clean:") + figure(at, "\nPrivate_Dirty:"),
        .private_dirty = figure(at, "\nPrivate_Dirty:"),
        .swap = figure(at, "\nSwap:"),
    };
}

static void
test_sizes(void)
{
    size_t page = GUEST_PAGE;
    unsigned long before = statm(0);
    char *m = mmap(NULL, 102 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *a = m + page;

    GUEST_CHECK(m != MAP_FAILED);
    printf("102 pages are %lu\n", statm(0) - before);
    GUEST_CHECK(mprotect(a, 100 * page, PROT_READ | PROT_WRITE) == 0);
    for (size_t i = 0; i < 50; i++)
        a[i * page] = (char)(i + 1);
    struct smaps now = smaps(a);
    printf("size %ld kB, here or on swap %ld kB\n", now.size, now.rss + now.swap);
    say("what is here is private", now.shared == 0 && now.private == now.rss);
    say("and all its own", now.pss == now.rss);
    say("VmSize is statm's", number_after("/proc/self/status", "VmSize:", 0) == statm(0) * 4);
    say("rollup has no less", number_after("/proc/self/smaps_rollup", "Rss:", 0) +
                                      number_after("/proc/self/smaps_rollup", "Swap:", 0) >=
                                  200);
    GUEST_CHECK(munmap(m, 102 * page) == 0);
    printf("gone: %ld\n", (long)(statm(0) - before));
}

/* What a fork shares is counted as shared, and by half. */
static void
test_shares(void)
{
    size_t page = GUEST_PAGE;
    char *m = mmap(NULL, 102 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *a = m + page, byte;
    int hold[2], status;

    GUEST_CHECK(m != MAP_FAILED && pipe(hold) == 0);
    GUEST_CHECK(mprotect(a, 100 * page, PROT_READ | PROT_WRITE) == 0);
    for (size_t i = 0; i < 50; i++)
        a[i * page] = (char)(i + 1);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(hold[1]);
        _exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(hold[0]);
    struct smaps now = smaps(a);
    printf("here or on swap %ld kB\n", now.rss + now.swap);
    say("what a fork shares is shared", now.shared == now.rss && now.private == 0);
    say("and counts by half", now.pss == now.rss / 2);
    for (size_t i = 0; i < 10; i++)
        a[i * page] = (char)(i + 2);
    now = smaps(a);
    printf("still %ld kB\n", now.rss + now.swap);
    say("what was written is private", now.private_dirty + now.swap >= 40);
    close(hold[1]);
    GUEST_CHECK(waitpid(child, &status, 0) == child && status == 0);
    GUEST_CHECK(munmap(m, 102 * page) == 0);
}

static void
test_stat(void)
{
    unsigned long field[64] = {0};
    char state = '?';
    int local = 0, n = 0;
    struct line line;

    GUEST_CHECK(slurp("/proc/self/stat", text, sizeof text, 7) > 0);
    char *rest = strrchr(text, ')');
    GUEST_CHECK(rest != NULL && text[strlen(text) - 1] == '\n');
    say("stat begins with the number", strtol(text, NULL, 10) == getpid());
    state = rest[2];
    for (char *at = rest + 3, *end; *at != '\n' && n < 60; at = end) {
        field[4 + n++] = strtoul(at, &end, 10); /* numbered as in proc(5) */
        if (end == at)
            break;
    }
    printf("state %c, %d fields\n", state, n + 3);
    say("parent", field[4] == (unsigned long)getppid());
    say("group and session",
        field[5] == (unsigned long)getpgrp() && field[6] == (unsigned long)getsid(0));
    say("size is statm's", field[23] == statm(0) * GUEST_PAGE);
    say("code", field[26] <= (unsigned long)&test_stat && (unsigned long)&test_stat < field[27]);
    say("stack", find(&local, &line) && field[28] >= line.start && field[28] < line.end);
    say("data", field[45] <= (unsigned long)text || field[46] > field[45]);
    say("break", field[47] <= (unsigned long)sbrk(0));
}

static void
test_words(int argc, char **argv)
{
    char line[4096] = "", name[17] = "";
    size_t at = 0;

    for (int i = 0; i < argc; i++) {
        memcpy(line + at, argv[i], strlen(argv[i]) + 1);
        at += strlen(argv[i]) + 1;
    }
    ssize_t n = slurp("/proc/self/cmdline", text, sizeof text, 5);
    say("cmdline", n == (ssize_t)at && memcmp(text, line, at) == 0);
    n = slurp("/proc/self/environ", text, sizeof text, 4096);
    say("environ", n > 10 && strncmp(text, "MARKED=for environ", 18) == 0);
    GUEST_CHECK(prctl(PR_SET_NAME, "a new name") == 0);
    n = slurp("/proc/self/comm", text, sizeof text, 100);
    printf("comm %d: %s", (int)n, text);
    printf("renaming: %d\n", spill("/proc/self/comm", "rather a long name for it"));
    GUEST_CHECK(prctl(PR_GET_NAME, name) == 0);
    printf("name: %s\n", name);
    n = slurp("/proc/self/status", text, sizeof text, 4096);
    say("status has it", n > 0 && strncmp(text, "Name:\trather a long n\n", 22) == 0);
}

static void
test_oom(void)
{
    const char *path = "/proc/self/oom_score_adj";
    unsigned long before, after;
    int status;

    printf("adjust: %d %d %d\n", spill(path, "1001"), spill(path, "much"), spill(path, "0"));
    before = number_after("/proc/self/oom_score", "", 99999);
    printf("adjust: %d\n", spill(path, "500\n"));
    after = number_after("/proc/self/oom_score", "", 0);
    printf("adjusted: %lu\n", number_after(path, "", 1));
    say("score follows", before <= 2000 && after <= 2000 && after > before);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(number_after(path, "", 1) == 500 ? 3 : 4);
    GUEST_CHECK(waitpid(child, &status, 0) == child);
    printf("inherited: %d\n", WEXITSTATUS(status));
    printf("back: %d\n", spill(path, "0"));
    printf("zero: %lu\n", number_after(path, "", 1));
}

static void
test_others(void)
{
    char path[64], first[64] = "", second[64] = "";
    int hold[2], status;
    char byte;

    GUEST_CHECK(pipe(hold) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(hold[1]);
        _exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(hold[0]);
    snprintf(path, sizeof path, "/proc/%d/status", (int)child);
    say("child's parent", number_after(path, "PPid:", 0) == (unsigned long)getpid());
    snprintf(path, sizeof path, "/proc/%d", (int)child);
    struct stat st;
    say("child's directory", stat(path, &st) == 0 && S_ISDIR(st.st_mode));
    snprintf(path, sizeof path, "/proc/%d/statm", (int)child);
    int fd = open(path, O_RDONLY);
    GUEST_CHECK(fd >= 0);
    ssize_t n = read(fd, first, sizeof first - 1);
    ssize_t again = pread(fd, second, sizeof second - 1, 0);
    say("two reads agree",
        n > 8 && again > 8 && strtol(first, NULL, 10) == strtol(second, NULL, 10));
    close(hold[1]);
    GUEST_CHECK(waitpid(child, &status, 0) == child && status == 0);
    n = pread(fd, first, sizeof first, 0);
    printf("of the dead: %d\n", n < 0 ? errno : 0);
    close(fd);
    printf("dead: %d\n", open(path, O_RDONLY) < 0 ? errno : 0);
    printf("nobody: %d\n", open("/proc/99999999/maps", O_RDONLY) < 0 ? errno : 0);
}

static void
test_files(void)
{
    struct stat st;
    char a[64], b[64];

    GUEST_CHECK(stat("/proc/self/maps", &st) == 0);
    printf("maps: %o, %d bytes\n", (unsigned)st.st_mode, (int)st.st_size);
    int fd = open("/proc/self/statm", O_RDONLY);
    GUEST_CHECK(fd >= 0 && fstat(fd, &st) == 0);
    printf("statm: %o, %d bytes\n", (unsigned)st.st_mode, (int)st.st_size);
    ssize_t n = read(fd, a, sizeof a);
    char *m = mmap(NULL, 7 * GUEST_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    GUEST_CHECK(m != MAP_FAILED && n > 0);
    say("nothing more", read(fd, b, sizeof b) == 0);
    GUEST_CHECK(lseek(fd, 0, SEEK_SET) == 0 && read(fd, b, sizeof b) > 0);
    printf("seven pages are %ld\n", strtol(b, NULL, 10) - strtol(a, NULL, 10));
    printf("mapping it: %d\n",
        mmap(NULL, GUEST_PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? errno : 0);
    close(fd);
    printf("access: %d %d\n", access("/proc/self/statm", R_OK), access("/proc/self/nothing", R_OK));
    printf("directory: %d\n", open("/proc/self/maps", O_RDONLY | O_DIRECTORY) < 0 ? errno : 0);
    printf("link: %d\n", readlink("/proc/self/maps", a, sizeof a) < 0 ? errno : 0);
}

static void
test_machine(void)
{
    static const char *const keys[] = {"MemTotal:", "MemFree:", "MemAvailable:", "Cached:",
        "SwapTotal:", "SwapFree:", "PageTables:", "CommitLimit:", "Committed_AS:"};
    const char *path = "/proc/meminfo";

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (number_after(path, keys[i], ~0ul) == ~0ul)
            printf("no %s\n", keys[i]);
    say("free is of total",
        number_after(path, "MemFree:", ~0ul) <= number_after(path, "MemTotal:", 0));
    say("free swap is of total",
        number_after(path, "SwapFree:", ~0ul) <= number_after(path, "SwapTotal:", 0));
    struct sysinfo info;
    GUEST_CHECK(sysinfo(&info) == 0);
    say("sysinfo agrees",
        info.totalram * info.mem_unit / 1024 == number_after(path, "MemTotal:", 0) &&
            info.totalswap * info.mem_unit / 1024 == number_after(path, "SwapTotal:", 0));
    unsigned long faults = number_after("/proc/vmstat", "pgfault ", 0);
    for (volatile char *at = text; at < text + sizeof text; at += GUEST_PAGE)
        *at = 1;
    say("faults are counted", number_after("/proc/vmstat", "pgfault ", 0) >= faults);
    say("overcommit", number_after("/proc/sys/vm/overcommit_memory", "", 9) <= 2);
    say("ratio", number_after("/proc/sys/vm/overcommit_ratio", "", 999) <= 100);
}

int
main(int argc, char **argv)
{
    char *env[] = {(char *)"MARKED=for environ", NULL};

    /* Once more, so that what environ must show is known. */
    if (argc == 1) {
        char *again[] = {argv[0], (char *)"again", (char *)"", (char *)"two words", NULL};
        execve("/proc/self/exe", again, env);
        return 1;
    }
    test_maps(argv[0]);
    test_regions();
    test_sizes();
    test_shares();
    test_stat();
    test_words(argc, argv);
    test_oom();
    test_others();
    test_files();
    test_machine();
    return 0;
}
