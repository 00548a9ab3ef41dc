/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared libraries of one's own: one that the program is linked with, found by its run path, and
 * one that is opened, used, closed and opened again, with thread-local data and constructors.
 */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../guest.h"
#include "plug.h"

static int
add_three(int value)
{
    return value + 3;
}

/* Where the program is, which is where its libraries are. */
static void *
open_plugin(const char *name)
{
    char path[PATH_MAX], file[2 * PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

    GUEST_CHECK(len > 0);
    path[len] = '\0';
    snprintf(file, sizeof file, "%s/%s", dirname(path), name);
    return dlopen(file, RTLD_NOW | RTLD_LOCAL);
}

static void
use_linked(void)
{
    printf("linked: %d constructed, value %d\n", plug_constructed_1(), plug_shared_by_name_1);
    printf("linked: %d %d, %s\n", plug_count_1(), plug_count_1(), plug_describe_1());
    printf("linked: twice %d\n", plug_twice_1(add_three, 10));
}

static void
use_opened(int round)
{
    void *plugin = open_plugin("libplug2.so");

    if (plugin == NULL)
        printf("dlopen: %s\n", dlerror());
    GUEST_CHECK(plugin != NULL);
    int (*count)(void) = (int (*)(void))dlsym(plugin, "plug_count_2");
    int (*twice)(int (*)(int), int) = (int (*)(int (*)(int), int))dlsym(plugin, "plug_twice_2");
    const char *(*describe)(void) = (const char *(*)(void))dlsym(plugin, "plug_describe_2");
    const int *value = dlsym(plugin, "plug_shared_by_name_2");
    GUEST_CHECK(count != NULL && twice != NULL && describe != NULL && value != NULL);
    GUEST_CHECK(dlsym(plugin, "plug_count_9") == NULL && dlerror() != NULL);
    printf("opened %d: value %d, %d %d, %s, twice %d\n", round, *value, count(), count(),
        describe(), twice(add_three, round));
    fflush(stdout);
    GUEST_CHECK(dlclose(plugin) == 0);
}

int
main(void)
{
    use_linked();
    for (int round = 1; round <= 3; round++)
        use_opened(round);
    GUEST_CHECK(open_plugin("libplug9.so") == NULL);
    GUEST_CHECK(strstr(dlerror(), "libplug9.so") != NULL);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        use_opened(4);
        printf("child: %s\n", plug_describe_1());
        fflush(stdout);
        _exit(plug_count_1() - 100);
    }
    int status = 0;
    GUEST_CHECK(child > 0 && waitpid(child, &status, 0) == child);
    printf("child counted to %d, we to %d\n", WEXITSTATUS(status), plug_count_1() - 100);
    return 0;
}
