/* SPDX-License-Identifier: BSD-2-Clause */
/* Files through the C library and through system calls: write, seek, read back, truncate,
 * append, rename, vectors, directories, and the errors they owe. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guest.h"

static void
through_stdio(void)
{
    FILE *f = fopen("one", "w+");
    GUEST_CHECK(f != NULL);
    for (int i = 0; i < 3000; i++)
        fprintf(f, "line %d of the file\n", i);
    GUEST_CHECK(fseek(f, 100, SEEK_SET) == 0 && fputs("CHANGED", f) > 0);
    rewind(f);
    char line[100];
    uint64_t sum = 0;
    long lines = 0;
    for (; fgets(line, sizeof line, f) != NULL; lines++)
        sum = guest_sum(sum, guest_sum_bytes(line, strlen(line)));
    printf("%ld lines, at %ld, sum %016lx\n", lines, ftell(f), sum);
    fclose(f);
}

static void
through_calls(void)
{
    char buf[64] = "";
    struct stat st;
    int fd = open("two", O_RDWR | O_CREAT | O_EXCL, 0640);
    GUEST_CHECK(fd >= 0);
    struct iovec v[3] = {{"abc", 3}, {"", 0}, {"defghi", 6}};
    GUEST_CHECK(writev(fd, v, 3) == 9);
    GUEST_CHECK(pwrite(fd, "XY", 2, 20) == 2 && lseek(fd, 0, SEEK_CUR) == 9);
    GUEST_CHECK(fstat(fd, &st) == 0 && st.st_size == 22 && S_ISREG(st.st_mode));
    GUEST_CHECK(
        pread(fd, buf, 22, 0) == 22 && memcmp(buf + 9, "\0\0\0\0\0\0\0\0\0\0\0XY", 13) == 0);
    GUEST_CHECK(ftruncate(fd, 5) == 0 && lseek(fd, 0, SEEK_END) == 5);
    close(fd);
    fd = open("two", O_WRONLY | O_APPEND);
    GUEST_CHECK(write(fd, "tail", 4) == 4);
    GUEST_CHECK(read(fd, buf, 1) == -1 && errno == EBADF);
    close(fd);
    GUEST_CHECK(rename("two", "three") == 0 && stat("three", &st) == 0);
    printf("size %ld mode %o; gone %d; again %d\n", (long)st.st_size, st.st_mode & 0777,
        open("two", O_RDONLY) == -1 && errno == ENOENT,
        open("three", O_CREAT | O_EXCL, 0600) == -1 && errno == EEXIST);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void
directories(void)
{
    struct dirent **list;
    char where[500];
    GUEST_CHECK(mkdir("sub", 0755) == 0 && symlink("three", "link") == 0);
    int n = scandir(".", &list, NULL, by_name);
    for (int i = 0; i < n; i++)
        printf("%s ", list[i]->d_name);
    ssize_t len = readlink("link", where, sizeof where);
    printf(
        "link -> %.*s, access %d %d\n", (int)len, where, access("one", R_OK), access("none", F_OK));
    GUEST_CHECK(getcwd(where, sizeof where) != NULL && chdir("sub") == 0);
    GUEST_CHECK(access("../one", R_OK) == 0 && chdir("..") == 0);
    GUEST_CHECK(rmdir("sub") == 0 && unlink("link") == 0 && unlink("one") == 0);
    GUEST_CHECK(unlink("three") == 0);
}

static void
bad_pointers(void)
{
    int fd = open("/dev/zero", O_RDONLY);
    char *volatile hidden = (char *)16, *bad = hidden;
    printf("bad pointers: %d %d %d\n", read(fd, bad, 10) == -1 && errno == EFAULT,
        write(1, bad, 10) == -1 && errno == EFAULT, open(bad, O_RDONLY) == -1 && errno == EFAULT);
    close(fd);
}

int
main(void)
{
    char dir[] = "/tmp/filework-XXXXXX";
    GUEST_CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0);
    through_stdio();
    through_calls();
    directories();
    bad_pointers();
    GUEST_CHECK(chdir("/") == 0 && rmdir(dir) == 0);
    return 0;
}
