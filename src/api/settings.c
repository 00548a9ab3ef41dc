/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/guest_io.h"
#include "os/abi.h"

void
pgw_config_init_sized(struct pgw_config *config, size_t size)
{
    struct pgw_config defaults = {
        .size = size,
        .ram = (uint64_t)64 << 20,
        .swap = PGW_SWAP_TEMP,
        .mmu = "sv39",
        .policy = "clock",
        .tlb = "l1=64:4,l2=1536:12:4k+2m",
        .seed = 1,
        .slice = 100000,
        .window = 1000000,
        .stack_max = (uint64_t)1 << 30,
        .overcommit = PGW_OVERCOMMIT_HEURISTIC,
        .overcommit_ratio = 50,
        .merge = PGW_MERGE_ADVISED,
        .merge_rate = 20,
        .huge = "madvise",
        .huge_alloc = "auto",
        .cost = {.tlb_ns = 0.5,
            .l2_ns = 2.3,
            .ram_ns = 100,
            .fault_ns = 1000,
            .disk_ns = 85000,
            .refill_ns = 6.7,
            .switch_ns = 3800,
            .register_ns = 33,
            .move_ns = 2000,
            .ipi_ns = 2000,
            .zstd_ns = 48000,
            .unzstd_ns = 9700,
            .lz4_ns = 12000,
            .unlz4_ns = 2500},
        .readahead = 15,
        .fault_around = 16,
        .harts = 1,
    };

    memset(config, 0, size);
    memcpy(config, &defaults, size < sizeof defaults ? size : sizeof defaults);
}

enum pgw_status
settings_config(
    struct pgw_system *system, const struct pgw_config *given, struct pgw_config *config)
{
    if (given->size < SIM_CONFIG_OLDEST)
        return sim_fail(system, PGW_INVAL,
            "struct pgw_config is of size %zu, which no version has: fill it with "
            "pgw_config_init()",
            given->size);
    pgw_config_init(config);
    memcpy(config, given, given->size < sizeof *config ? given->size : sizeof *config);
    return PGW_OK;
}

static bool
settings_cost_valid(const struct pgw_cost *c)
{
    const double figures[] = {c->tlb_ns, c->l2_ns, c->ram_ns, c->fault_ns, c->disk_ns, c->refill_ns,
        c->switch_ns, c->register_ns, c->move_ns, c->ipi_ns, c->zstd_ns, c->unzstd_ns, c->lz4_ns,
        c->unlz4_ns};

    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        if (!isfinite(figures[i]) || figures[i] < 0)
            return false;
    }
    return true;
}

/* Which of n names text is; n: none of them. */
static unsigned
settings_choice(const char *text, const char *const *names, unsigned n)
{
    unsigned i = 0;

    while (i < n && (text == NULL || strcmp(text, names[i]) != 0))
        i++;
    return i;
}

static enum pgw_status
settings_read_huge(struct pgw_system *system, const struct pgw_config *config)
{
    static const char *const modes[] = {
        [VM_HUGE_OFF] = "off", [VM_HUGE_MADVISE] = "madvise", [VM_HUGE_ALWAYS] = "always"};
    static const char *const ways[] = {
        [VM_HUGE_DIRECT] = "direct", [VM_HUGE_RESERVE] = "reserve", [VM_HUGE_AUTO] = "auto"};
    unsigned mode = settings_choice(config->huge, modes, 3);
    unsigned way = settings_choice(config->huge_alloc, ways, 3);

    if (mode == 3)
        return sim_fail(system, PGW_INVAL,
            "huge pages \"%.64s\" are not known: use off, madvise or always",
            config->huge != NULL ? config->huge : "(null)");
    if (way == 3)
        return sim_fail(system, PGW_INVAL,
            "to allocate huge pages by \"%.64s\" is not known: use auto, direct or reserve",
            config->huge_alloc != NULL ? config->huge_alloc : "(null)");
    system->settings.huge = (enum vm_huge_mode)mode;
    system->settings.huge_alloc = (enum vm_huge_alloc)way;
    return PGW_OK;
}

static enum pgw_status
settings_read_names(struct pgw_system *system, const struct pgw_config *config)
{
    struct sim_settings *s = &system->settings;
    char why[SIM_ERROR_LEN];

    if (config->mmu == NULL || strlen(config->mmu) >= sizeof s->mmu_text)
        return sim_fail(system, PGW_INVAL, "the mmu's name is %s",
            config->mmu != NULL ? "too long" : "missing");
    if (registry_mmu_parse(config->mmu, &s->mmu, &s->options, why, sizeof why) != PGW_OK)
        return sim_fail(system, PGW_INVAL, "%s", why);
    (void)snprintf(s->mmu_text, sizeof s->mmu_text, "%s", config->mmu);
    if (config->policy == NULL || strlen(config->policy) >= sizeof s->policy_text)
        return sim_fail(system, PGW_INVAL, "the policy's name is %s",
            config->policy != NULL ? "too long" : "missing");
    if (registry_policy_parse(config->policy, &s->policy, s->policy_param, why, sizeof why) !=
        PGW_OK)
        return sim_fail(system, PGW_INVAL, "%s", why);
    (void)snprintf(s->policy_text, sizeof s->policy_text, "%s", config->policy);
    if (registry_tlb_parse(config->tlb, &s->tlb, why, sizeof why) != PGW_OK)
        return sim_fail(system, PGW_INVAL, "%s", why);
    if (strlen(config->tlb) >= sizeof s->tlb_text)
        return sim_fail(system, PGW_INVAL, "the tlb's specification is too long");
    (void)snprintf(s->tlb_text, sizeof s->tlb_text, "%s", config->tlb);
    return PGW_OK;
}

static enum pgw_status
settings_read_sysroot(struct pgw_system *system, const struct pgw_config *config)
{
    struct sim_settings *s = &system->settings;
    int64_t dir;

    if (config->sysroot == NULL)
        return PGW_OK;
    if (config->sysroot[0] == '\0' || strlen(config->sysroot) >= sizeof s->sysroot)
        return sim_fail(system, PGW_INVAL, "the sysroot's name is %s",
            config->sysroot[0] == '\0' ? "empty" : "too long");
    dir = host_io_open(OS_AT_FDCWD, config->sysroot, (int)(OS_O_PATH | OS_O_DIRECTORY), 0);
    if (dir < 0)
        return sim_fail(system, PGW_NOTFOUND,
            "the sysroot %.200s is not a directory that can be read: say where libraries for "
            "riscv64 are, such as /usr/riscv64-linux-gnu",
            config->sysroot);
    host_io_close((int)dir);
    (void)snprintf(s->sysroot, sizeof s->sysroot, "%s", config->sysroot);
    return PGW_OK;
}

enum pgw_status
settings_read(struct pgw_system *system, const struct pgw_config *config)
{
    struct sim_settings *s = &system->settings;

    if (config->ram < PGW_RAM_MIN)
        return sim_fail(system, PGW_NORAM,
            "%llu bytes of RAM are too few: a system needs at least %lluK",
            (unsigned long long)config->ram, (unsigned long long)PGW_RAM_MIN >> 10);
    if (config->swap > PGW_SWAP_STACK || (config->swap >= PGW_SWAP_FILE && !config->swap_path))
        return sim_fail(system, PGW_INVAL, "the kind of swap is not valid");
    if (config->slice == 0)
        return sim_fail(system, PGW_INVAL, "a slice of 0 instructions would run nothing");
    if (config->harts < 1 || config->harts > OS_HARTS_MAX)
        return sim_fail(system, PGW_INVAL, "%u harts: a machine has 1 to %u of them", config->harts,
            OS_HARTS_MAX);
    if (!settings_cost_valid(&config->cost))
        return sim_fail(system, PGW_INVAL,
            "the cost model has a figure that is negative or not a "
            "number");
    if (config->overcommit > PGW_OVERCOMMIT_NEVER)
        return sim_fail(system, PGW_INVAL, "the kind of overcommitment is not valid");
    if (config->merge > PGW_MERGE_ALL)
        return sim_fail(system, PGW_INVAL, "the kind of merging is not valid");
    s->merge = config->merge;
    s->merge_rate = config->merge_rate;
    s->overcommit = config->overcommit;
    s->overcommit_ratio = config->overcommit_ratio;
    if (config->proactive > 100)
        return sim_fail(
            system, PGW_INVAL, "%u%% of the time is more than there is", config->proactive);
    if (config->readahead > 31 || config->fault_around > 64)
        return sim_fail(system, PGW_INVAL,
            "%u pages of read-ahead and %u of fault-around: at most 31 and 64 are possible",
            config->readahead, config->fault_around);
    s->seed = config->seed;
    s->slice = config->slice;
    s->harts = config->harts;
    s->window = config->window;
    s->stack_max = config->stack_max;
    s->aslr = config->aslr;
    s->cost = config->cost;
    s->readahead = config->readahead;
    s->fault_around = config->fault_around;
    s->proactive = config->proactive;
    s->maps = config->maps;
    s->message = config->message;
    s->message_ctx = config->message_ctx;
    enum pgw_status status = settings_read_sysroot(system, config);
    if (status == PGW_OK)
        status = settings_read_huge(system, config);
    return status == PGW_OK ? settings_read_names(system, config) : status;
}
