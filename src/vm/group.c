/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups of spaces, each with a limit on the pages it may have in RAM: what memory cgroups are to
 * Linux.  There is always one, the root, without a limit; a space belongs to exactly one group.
 *
 *      page --> owner (anon or object) --> group --> policy of the group, which ranks the page
 *
 * A page is charged to the group of its owner, and an owner to the group whose space touched it
 * first: an anon for good, an object until none of its pages is in RAM.  So what a fork shares is
 * charged once, to the parent's group.  Swap and page tables are not charged.
 *
 * A promise is worth more than a limit.  Under "never" (commit.c) the pages of a group that can
 * neither go to swap nor be dropped may come to fill its limit: those that are locked, and those
 * that are dirty when swap is full.  The few that are left, program text above all, would chase
 * each other out while no instruction is executed.  So there a limit is at least what cannot go and
 * VM_GROUP_LEAST pages beside it, which is what one instruction needs (group_limit).  Else a
 * group that can give nothing is told that it is full.
 *
 * Each group has a policy of its own, so that a group at its limit takes its own oldest page
 * without looking at anybody else's.  When all of RAM is short, the groups give in proportion to
 * what they have: a group's turn comes after 1/n of a round when it has n pages (stride scheduling:
 * C. A. Waldspurger and W. E. Weihl, MIT/LCS/TM-528, 1995).
 *
 * A page is known to its group in one of two ways:
 *
 *      in the policy ---- dirty, and swap is full ----> aside
 *                    <--- swap has room again -----
 *
 * What is aside is not looked at again and again by every reclaim; it is otherwise a pageable page
 * like the others.
 *
 * Rejected: a single policy that passes over other groups' pages (every reclaim of a small group
 * would walk past everything else), and groups in groups (nobody here delegates).
 */
#include <string.h>

#include "vm/core.h"

#define GROUP_TURN ((uint64_t)1 << 32) /* a whole round */

static bool
group_referenced(void *ctx, struct base_node *node)
{
    return vm_page_test_clear_referenced(ctx, vm_page_of_node(node));
}

static bool
group_modified(void *ctx, struct base_node *node)
{
    struct vm_system *system = ctx;
    struct mem_page *page = vm_page_of_node(node);

    return page->dirty || system->pmap_ops->page_is_modified(system->pmap_system, page);
}

static enum pgw_status
group_create_locked(struct vm_system *system, const char *name, uint64_t limit)
{
    struct base_alloc *alloc = system->alloc;
    struct policy_env env = {.referenced = group_referenced,
        .modified = group_modified,
        .ctx = system,
        .alloc = alloc,
        .capacity = system->mem->nframes,
        .seed = system->seed + system->ngroups};

    memcpy(env.param, system->policy_param, sizeof env.param);
    if (system->ngroups == VM_GROUPS_MAX)
        return PGW_NOSPACE;
    struct vm_group *group = alloc->map(alloc, sizeof *group);
    if (group == NULL)
        return PGW_NOMEM;
    enum pgw_status status = system->policy_ops->create(&env, &group->policy);
    if (status != PGW_OK) {
        alloc->unmap(alloc, group, sizeof *group);
        return status;
    }
    group->policy->size = limit < env.capacity ? limit : env.capacity;
    (void)strncpy(group->stats.name, name, sizeof group->stats.name - 1);
    group->stats.limit = limit;
    group->id = (uint16_t)system->ngroups;
    TAILQ_INIT(&group->aside);
    system->groups[system->ngroups++] = group;
    return PGW_OK;
}

enum pgw_status
vm_group_init(struct vm_system *system)
{
    return group_create_locked(system, "root", UINT64_MAX);
}

void
vm_group_fini(struct vm_system *system)
{
    while (system->ngroups > 0) {
        struct vm_group *group = system->groups[--system->ngroups];
        group->policy->ops->destroy(group->policy);
        system->alloc->unmap(system->alloc, group, sizeof *group);
    }
}

enum pgw_status
vm_group_create(struct vm_system *system, const char *name, uint64_t limit, unsigned *id)
{
    enum pgw_status status = PGW_OK;

    if (name[0] == '\0' || strlen(name) >= VM_GROUP_NAME || limit < VM_GROUP_LEAST)
        return PGW_INVAL;
    base_lock_take(&system->lock);
    for (unsigned i = 0; i < system->ngroups; i++)
        if (strcmp(system->groups[i]->stats.name, name) == 0)
            status = PGW_EXIST;
    if (status == PGW_OK)
        status = group_create_locked(system, name, limit);
    if (status == PGW_OK)
        *id = system->ngroups - 1;
    base_lock_drop(&system->lock);
    return status;
}

enum pgw_status
vm_group_join(struct space *space, unsigned id)
{
    struct vm_system *system = vm_space_of(space)->system;

    base_lock_take(&system->lock);
    bool found = id < system->ngroups;
    if (found) {
        vm_lock_follow(vm_space_of(space), id);
        space->group = id;
    }
    base_lock_drop(&system->lock);
    return found ? PGW_OK : PGW_NOTFOUND;
}

enum pgw_status
vm_group_stats(struct vm_system *system, unsigned id, struct vm_group_stats *stats)
{
    base_lock_take(&system->lock);
    bool found = id < system->ngroups;
    if (found) {
        struct vm_group *group = system->groups[id];
        const struct vm_space *space;
        *stats = group->stats;
        stats->resident = vm_group_pages(group);
        TAILQ_FOREACH (space, &system->all_spaces, link)
            stats->spaces += space->space.group == id;
    }
    base_lock_drop(&system->lock);
    return found ? PGW_OK : PGW_NOTFOUND;
}

/* --- a page's place in its group --- */

/* The policy's time: the system's clock.  On the sim machine that is instructions executed, by all
 * processes together, so that a policy that measures ages measures the use of memory, not how long
 * its devices are waited for. */
void
vm_group_tell_time(const struct vm_system *system, const struct vm_group *group)
{
    struct policy *policy = group->policy;

    if ((policy->ops->wants & POLICY_WANTS_TIME) != 0 && system->clock != NULL)
        policy->now = base_clock_now(system->clock);
}

void
vm_group_admit(struct vm_system *system, struct mem_page *page)
{
    struct vm_group *group = vm_page_group(system, page);

    vm_group_tell_time(system, group);
    group->policy->ops->admit(group->policy, &page->node, vm_page_key(page));
    system->surplus_due = true;
    group->files += page->owner_kind == MEM_OWNER_OBJECT;
    if (vm_group_pages(group) > group->stats.resident_peak)
        group->stats.resident_peak = vm_group_pages(group);
}

void
vm_group_leave(struct vm_system *system, struct mem_page *page, bool evicted)
{
    struct vm_group *group = vm_page_group(system, page);
    const struct policy_ops *ops = group->policy->ops;

    group->files -= page->owner_kind == MEM_OWNER_OBJECT;
    if (page->aside) {
        TAILQ_REMOVE(&group->aside, &page->node, link);
        group->naside--;
        page->aside = 0;
    } else if (evicted) {
        ops->evicted(group->policy, &page->node, vm_page_key(page));
    } else {
        ops->forget(group->policy, &page->node);
    }
}

void
vm_group_moved(struct vm_system *system, struct mem_page *from, struct mem_page *to)
{
    struct vm_group *group = vm_page_group(system, to);

    if (from->aside) {
        TAILQ_INSERT_AFTER(&group->aside, &from->node, &to->node, link);
        TAILQ_REMOVE(&group->aside, &from->node, link);
        from->aside = 0;
        to->aside = 1;
    } else {
        group->policy->ops->moved(group->policy, &from->node, &to->node);
    }
}

void
vm_group_missed(const struct vm_system *system, struct vm_group *group, uint64_t key)
{
    vm_group_tell_time(system, group);
    group->policy->ops->missed(group->policy, key);
}

struct mem_page *
vm_group_victim(const struct vm_system *system, struct vm_group *group)
{
    struct policy *policy = group->policy;

    if (policy->count == 0)
        return NULL;
    vm_group_tell_time(system, group);
    policy->size = policy->count; /* that all of RAM is short shows how much of it is the group's */
    return vm_page_of_node(policy->ops->victim(policy));
}

struct mem_page *
vm_group_surplus(const struct vm_group *group)
{
    struct base_node *node = group->policy->ops->surplus(group->policy);

    return node != NULL ? vm_page_of_node(node) : NULL;
}

void
vm_group_set_aside(struct vm_group *group, struct mem_page *page)
{
    group->policy->ops->forget(group->policy, &page->node);
    TAILQ_INSERT_TAIL(&group->aside, &page->node, link);
    group->naside++;
    page->aside = 1;
}

static void
group_recall(struct vm_group *group, struct base_node *node)
{
    struct mem_page *page = vm_page_of_node(node);

    TAILQ_REMOVE(&group->aside, node, link);
    group->naside--;
    page->aside = 0;
    group->policy->ops->admit(group->policy, node, vm_page_key(page));
}

/* The first page that is aside for want of swap. */
static struct base_node *
group_aside(const struct vm_group *group)
{
    struct base_node *node = TAILQ_FIRST(&group->aside);

    for (uint64_t i = group->passed; i > 0 && node != NULL; i--)
        node = TAILQ_NEXT(node, link);
    return node;
}

void
vm_group_try(struct vm_system *system, const struct vm_group *group)
{
    struct base_node *node = group_aside(group);

    if (node != NULL)
        vm_page_cold(system, vm_page_of_node(node));
}

void
vm_group_recall(struct vm_group *group, uint64_t n)
{
    struct base_node *node = group_aside(group), *next;

    for (; n > 0 && node != NULL; n--) {
        next = TAILQ_NEXT(node, link);
        group_recall(group, node);
        node = next;
    }
}

void
vm_group_pass(struct vm_group *group, struct mem_page *page)
{
    group->policy->ops->forget(group->policy, &page->node);
    TAILQ_INSERT_HEAD(&group->aside, &page->node, link);
    group->naside++;
    group->passed++;
    page->aside = 1;
}

void
vm_group_recall_passed(struct vm_group *group)
{
    struct base_node *node;

    for (; group->passed > 0; group->passed--)
        if ((node = TAILQ_FIRST(&group->aside)) != NULL) /* some may have been freed since */
            group_recall(group, node);
}

/* --- whose turn it is, and limits --- */

struct vm_group *
vm_group_turn(struct vm_system *system)
{
    struct vm_group *next = NULL;

    for (unsigned i = 0; i < system->ngroups; i++) {
        struct vm_group *group = system->groups[i];
        if (group->policy->count == 0)
            continue;
        if (group->pass < system->pass)
            group->pass = system->pass; /* it had nothing to give, and owes nothing for that */
        if (next == NULL || group->pass < next->pass)
            next = group;
    }
    if (next == NULL)
        return NULL;
    system->pass = next->pass;
    next->pass += GROUP_TURN / next->policy->count;
    return next;
}

void
vm_group_adopt(struct vm_object *object, unsigned id)
{
    if (object->group == id || object->pages.count > 0)
        return;
    vm_refault_fini(object); /* counted in evictions of another group */
    object->group = (uint16_t)id;
}

/* Pages that cannot go: for want of swap, or because they are locked. */
static uint64_t
group_stays(const struct vm_group *group)
{
    return group->wired + (group->naside > group->passed ? group->naside - group->passed : 0);
}

/* What the group may have in RAM. */
static uint64_t
group_limit(const struct vm_system *system, const struct vm_group *group)
{
    uint64_t limit = group->stats.limit;

    if (system->commit.mode != VM_OVERCOMMIT_NEVER || limit >= group_stays(group) + VM_GROUP_LEAST)
        return limit;
    return group_stays(group) + VM_GROUP_LEAST;
}

uint64_t
vm_group_excess(const struct vm_system *system, const struct vm_group *group)
{
    uint64_t pages = vm_group_pages(group), limit = group_limit(system, group);

    return pages >= limit ? pages - limit + 1 : 0;
}

bool
vm_group_has_room(const struct vm_system *system, const struct vm_group *group, uint64_t n)
{
    uint64_t limit = group_limit(system, group);

    return limit >= n && limit - n >= vm_group_pages(group);
}

/* Pages that go at a time: a part of the limit, and no more than one io writes. */
#define GROUP_BATCH_PART 8u
/* Turns that are left out when nothing could go. */
#define GROUP_REST 64u

void
vm_group_daemon(struct vm_system *system, struct vm_group *group)
{
    uint64_t pages = vm_group_pages(group);
    uint64_t limit = group_limit(system, group);
    uint64_t stays = group_stays(group);
    uint64_t room = limit > stays ? limit - stays : 0; /* for pages that come and go */
    uint64_t batch = room / GROUP_BATCH_PART;
    uint64_t want = pages + 1 + system->ahead_room;

    if (want <= limit || limit == UINT64_MAX)
        return;
    if (group->rests > 0) {
        group->rests--;
        return;
    }
    group->stats.reclaims++;
    want += (batch < PAGER_RUN_MAX ? batch : PAGER_RUN_MAX) - 1;
    want = want - limit < room / 2 ? want - limit : room / 2;
    vm_pressure_begin(system, group->id); /* whoever wants more waits for this */
    if (vm_reclaim_beside_locked(system, group, want, NULL) == 0)
        group->rests = GROUP_REST;
    vm_pressure_end(system, group->id);
}
