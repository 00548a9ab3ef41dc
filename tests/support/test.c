/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST_SEED_DEFAULT 20240229u
#define TEST_TORTURE_MAX 10000000u

static uint64_t
test_env_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    if (text == NULL || text[0] == '\0')
        return otherwise;
    char *end;
    uint64_t value = strtoull(text, &end, 0);
    if (*end != '\0')
        fail_msg("%s is not a number: %s", name, text);
    return value;
}

uint64_t
test_seed(void)
{
    uint64_t seed = test_env_number("PGW_SEED", TEST_SEED_DEFAULT);

    print_message("PGW_SEED=%" PRIu64 "\n", seed);
    return seed;
}

void
test_rng_init(struct base_rng *rng, uint64_t salt)
{
    base_rng_init(rng, test_seed() ^ salt << 40);
}

uint64_t
test_rounds(uint64_t n)
{
    return n * test_env_number("PGW_EFFORT", 1);
}

bool
test_dies(void (*body)(void *ctx), void *ctx)
{
    int status = 0;
    pid_t pid = fork();

    if (pid < 0)
        fail_msg("fork failed");
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO); /* what it says is expected */
        body(ctx);
        _exit(0);
    }
    if (waitpid(pid, &status, 0) != pid)
        fail_msg("waitpid failed");
    return WIFSIGNALED(status) ? WTERMSIG(status) == SIGABRT : WEXITSTATUS(status) != 0;
}

uint64_t
test_each_failure(struct base_inject *inject, enum base_inject_point point, bool and_after,
    void (*body)(void *ctx), void *ctx)
{
    struct base_inject before = *inject;

    for (uint64_t n = 1; n < TEST_TORTURE_MAX; n++) {
        memset(inject, 0, sizeof(*inject));
        inject->fail_at[point] = n;
        inject->and_after[point] = and_after;
        body(ctx);
        uint64_t tried = inject->tried[point];
        *inject = before;
        if (tried < n)
            return n - 1;
    }
    fail_msg("the torture does not end: body tries more often each time");
    return 0;
}
