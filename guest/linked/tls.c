/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread-local data of shared libraries: of one that is there from the start, and of one that is
 * opened while threads run, whose data each thread gets when it first asks for it.
 */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "../guest.h"
#include "plug.h"

#define THREADS 4

struct job {
    int number, linked, opened;
    char text[64];
};

static pthread_barrier_t together;
static int (*count)(void);
static const char *(*describe)(void);

/* Each counts as often as its number says, in both libraries. */
static void *
work(void *ctx)
{
    struct job *job = ctx;

    for (int i = 0; i < job->number; i++)
        job->linked = plug_count_1();
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together); /* the other library is there now */
    for (int i = 0; i < job->number; i++)
        job->opened = count();
    snprintf(job->text, sizeof job->text, "%s", describe());
    return NULL;
}

static void *
open_plugin(void)
{
    char path[PATH_MAX], file[2 * PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

    GUEST_CHECK(len > 0);
    path[len] = '\0';
    snprintf(file, sizeof file, "%s/libplug2.so", dirname(path));
    void *plugin = dlopen(file, RTLD_NOW);
    GUEST_CHECK(plugin != NULL);
    count = (int (*)(void))dlsym(plugin, "plug_count_2");
    describe = (const char *(*)(void))dlsym(plugin, "plug_describe_2");
    GUEST_CHECK(count != NULL && describe != NULL);
    return plugin;
}

int
main(void)
{
    pthread_t threads[THREADS];
    struct job jobs[THREADS];
    pthread_attr_t small; /* stacks take RAM at once where there are no pages */

    GUEST_CHECK(pthread_attr_init(&small) == 0);
    GUEST_CHECK(pthread_attr_setstacksize(&small, 256 << 10) == 0);
    GUEST_CHECK(pthread_barrier_init(&together, NULL, THREADS + 1) == 0);
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.number = i * 100 + 1};
        GUEST_CHECK(pthread_create(&threads[i], &small, work, &jobs[i]) == 0);
    }
    pthread_barrier_wait(&together);
    void *plugin = open_plugin();
    pthread_barrier_wait(&together);
    for (int i = 0; i < THREADS; i++) {
        GUEST_CHECK(pthread_join(threads[i], NULL) == 0);
        printf("thread %d: linked %d, opened %d, %s\n", i, jobs[i].linked, jobs[i].opened,
            jobs[i].text);
    }
    printf("main: linked %d, opened %d\n", plug_count_1(), count());
    fflush(stdout);
    GUEST_CHECK(dlclose(plugin) == 0);
    return 0;
}
