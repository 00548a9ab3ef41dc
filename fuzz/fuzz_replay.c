/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drives a fuzz target without libFuzzer: every file of the corpus, then mutations of them and
 * random inputs for some seconds.
 *
 *     TARGET [-s SECONDS] [-r SEED] FILE...
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "fuzz.h"

#define INPUT_MAX 4096u

struct seed_input {
    uint8_t bytes[INPUT_MAX];
    size_t size;
};

static bool
read_seed(const char *path, struct seed_input *seed)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    seed->size = fread(seed->bytes, 1, sizeof seed->bytes, file);
    fclose(file);
    return true;
}

/* A number that programs trip over. */
static uint64_t
odd_number(struct base_rng *rng)
{
    uint64_t bit = (uint64_t)1 << base_rng_below(rng, 64);
    switch (base_rng_below(rng, 4)) {
    case 0:
        return bit;
    case 1:
        return bit - 1;
    case 2:
        return ~bit + 1;
    default:
        return base_rng_next(rng);
    }
}

static void
mutate(struct base_rng *rng, struct seed_input *input)
{
    for (uint64_t n = 1 + base_rng_below(rng, 6); n > 0; n--) {
        if (input->size < 16 || base_rng_below(rng, 40) == 0) {
            input->size = base_rng_below(rng, INPUT_MAX);
            for (size_t i = 0; i < input->size; i++)
                input->bytes[i] = (uint8_t)base_rng_next(rng);
            continue;
        }
        size_t where = base_rng_below(rng, 2) == 0 ? input->size : 512;
        if (where > input->size)
            where = input->size;
        size_t len = (size_t)1 << base_rng_below(rng, 4);
        size_t at = base_rng_below(rng, where - 8) & ~(len - 1);
        uint64_t value = odd_number(rng);
        if (base_rng_below(rng, 12) == 0)
            input->size = at + 1;
        else
            memcpy(input->bytes + at, &value, len);
    }
}

static uint64_t
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

static uint64_t
run_mutations(const struct seed_input *seeds, size_t nseeds, uint64_t seconds, uint64_t seed)
{
    static struct seed_input input;
    struct base_rng rng;
    uint64_t runs = 0, end = seconds_now() + seconds;

    base_rng_init(&rng, seed);
    for (; seconds_now() < end; runs++) {
        if (nseeds == 0 || base_rng_below(&rng, 16) == 0)
            input.size = 0;
        else
            input = seeds[base_rng_below(&rng, nseeds)];
        mutate(&rng, &input);
        (void)LLVMFuzzerTestOneInput(input.bytes, input.size);
    }
    return runs;
}

int
main(int argc, char **argv)
{
    uint64_t seconds = 3, seed = (uint64_t)time(NULL), runs;
    size_t n = 0;

    for (int option; (option = getopt(argc, argv, "s:r:")) != -1;) {
        if (option == '?')
            return 2;
        *(option == 's' ? &seconds : &seed) = strtoull(optarg, NULL, 0);
    }
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    struct seed_input *seeds = calloc((size_t)(argc - optind) + 1, sizeof *seeds);
    if (seeds == NULL)
        return 2;
    for (int i = optind; i < argc; i++) {
        if (!read_seed(argv[i], &seeds[n])) {
            fprintf(stderr, "cannot read %s\n", argv[i]);
            return 2;
        }
        (void)LLVMFuzzerTestOneInput(seeds[n].bytes, seeds[n].size);
        n++;
    }
    runs = run_mutations(seeds, n, seconds, seed);
    printf("%zu files of the corpus, %llu mutations\n", n, (unsigned long long)runs);
    free(seeds);
    return 0;
}
