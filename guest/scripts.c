/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripts: what execve does with files that begin with "#!", of which this program is the
 * interpreter. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static char self[512], place[64], outer[128], inner[128];

/* A script of that content, executable as mode says. */
static void
make(const char *path, const char *content, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    GUEST_CHECK(fd >= 0 && write(fd, content, len) == (ssize_t)len);
    GUEST_CHECK(fchmod(fd, mode) == 0 && close(fd) == 0);
}

static void
script(const char *path, const char *format, const char *name)
{
    char text[1024];

    int len = snprintf(text, sizeof text, format, name);
    make(path, text, (size_t)len, 0700);
}

/* What a script's path is printed as: it differs from run to run. */
static const char *
shown(const char *argument)
{
    if (strcmp(argument, outer) == 0)
        return "OUTER";
    if (strcmp(argument, inner) == 0)
        return "INNER";
    return strcmp(argument, self) == 0 ? "SELF" : argument;
}

static void
try(const char *title, const char *path)
{
    char *argv[] = {(char *)"zero", (char *)"one", (char *)"two words", NULL};
    char place_is[80], self_is[600];
    char *env[] = {place_is, self_is, NULL};
    int status;

    snprintf(place_is, sizeof place_is, "PLACE=%s", place);
    snprintf(self_is, sizeof self_is, "SELF=%s", self);
    printf("%s:", title);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execve(path, argv, env);
        printf(" errno %d\n", errno);
        fflush(stdout);
        _exit(0);
    }
    GUEST_CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void
names(void)
{
    snprintf(outer, sizeof outer, "%s/outer", place);
    snprintf(inner, sizeof inner, "%s/inner", place);
}

/* As the interpreter: shows what it is given. */
static int
interpret(int argc, char **argv)
{
    char exe[512] = "", comm[32] = "";

    snprintf(place, sizeof place, "%s", getenv("PLACE"));
    snprintf(self, sizeof self, "%s", getenv("SELF"));
    names();
    for (int i = 0; i < argc; i++)
        printf(" [%s]", shown(argv[i]));
    GUEST_CHECK(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
    int fd = open("/proc/self/comm", O_RDONLY);
    GUEST_CHECK(fd >= 0 && read(fd, comm, sizeof comm - 1) > 0);
    printf(
        " exe %s, execfn %s, comm %s", shown(exe), shown((const char *)getauxval(AT_EXECFN)), comm);
    return 0;
}

int
main(int argc, char **argv)
{
    char text[400];

    if (getenv("PLACE") != NULL)
        return interpret(argc, argv);
    GUEST_CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    GUEST_CHECK(strlen(self) < 200);
    snprintf(place, sizeof place, "/tmp/guest-scripts-XXXXXX");
    GUEST_CHECK(mkdtemp(place) != NULL);
    names();
    script(outer, "#!%s\nrest\n", self);
    try("plain", outer);
    script(outer, "#! \t%s   an argument with blanks \t \n", self);
    try("argument", outer);
    script(outer, "#!%s", self);
    try("no newline", outer);
    script(inner, "#!%s deep\n", self);
    script(outer, "#!%s\n", inner);
    try("script of a script", outer);
    make(inner, "#!\n", 3, 0700);
    try("no interpreter", inner);
    script(inner, "#!%s/nobody\n", place);
    try("missing interpreter", inner);
    script(inner, "#!%s\n", self);
    GUEST_CHECK(chmod(inner, 0600) == 0);
    try("not executable", inner);
    script(inner, "#!%s\n", place);
    try("a directory", inner);
    make(inner, "text", 4, 0700);
    try("no script", inner);
    memset(text, 'x', sizeof text);
    snprintf(text, sizeof text, "#!%s ", self);
    memset(text + strlen(text), 'y', 10);
    make(inner, text, strlen(self) + 13, 0700);
    try("cut argument", inner);
    unlink(outer);
    unlink(inner);
    rmdir(place);
    return 0;
}
