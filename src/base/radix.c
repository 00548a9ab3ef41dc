/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node of level n holds RADIX_SLOTS children of level n - 1; a node of level 1 holds values.
 * The root's level is the tree's height, which is the least that the largest index needs.  So
 * a small dense object has one node, and a sparse one pays for the paths it uses.
 *
 * Invariants: bit i of `present` is set exactly if slot i is not NULL; no node is empty; the root
 * of a tree higher than 1 has more than slot 0 in it.
 *
 * A hash table was rejected: amaps and objects are dense in runs, and both are walked in order.
 */
#include "base/radix.h"

#include "base/assert.h"

#define RADIX_BITS 6u
#define RADIX_SLOTS (1u << RADIX_BITS)
#define RADIX_HEIGHT_MAX 11u /* 11 * 6 bits >= 64 */

struct base_radix_node {
    uint64_t present;
    void *slots[RADIX_SLOTS];
};

size_t
base_radix_node_size(void)
{
    return sizeof(struct base_radix_node);
}

void
base_radix_init(struct base_radix *tree, struct base_pool *nodes)
{
    *tree = (struct base_radix){.nodes = nodes};
}

static unsigned
radix_slot(uint64_t idx, unsigned level)
{
    return (unsigned)(idx >> RADIX_BITS * (level - 1)) & (RADIX_SLOTS - 1);
}

/* The least height whose tree has a place for idx. */
static unsigned
radix_height_for(uint64_t idx)
{
    unsigned bits = 64u - (unsigned)__builtin_clzll(idx | 1);

    return (bits + RADIX_BITS - 1) / RADIX_BITS;
}

static void
radix_link(struct base_radix_node *node, unsigned slot, void *child)
{
    node->slots[slot] = child;
    node->present |= UINT64_C(1) << slot;
}

static void
radix_free_below(struct base_radix *tree, struct base_radix_node *node, unsigned level)
{
    for (uint64_t left = level > 1 ? node->present : 0; left != 0; left &= left - 1)
        radix_free_below(tree, node->slots[__builtin_ctzll(left)], level - 1);
    base_pool_put(tree->nodes, node);
}

void
base_radix_fini(struct base_radix *tree)
{
    if (tree->root != NULL)
        radix_free_below(tree, tree->root, tree->height);
    base_radix_init(tree, tree->nodes);
}

void *
base_radix_get(const struct base_radix *tree, uint64_t idx)
{
    if (radix_height_for(idx) > tree->height)
        return NULL;
    const struct base_radix_node *node = tree->root;
    for (unsigned level = tree->height; level > 1; level--) {
        node = node->slots[radix_slot(idx, level)];
        if (node == NULL)
            return NULL;
    }
    return node->slots[radix_slot(idx, 1)];
}

/* How many nodes storing at idx takes, when the tree shall be of this height. */
static unsigned
radix_nodes_needed(const struct base_radix *tree, uint64_t idx, unsigned height)
{
    if (tree->root == NULL)
        return height;
    if (height > tree->height) /* new roots above the old one, and a path of idx's own */
        return height - tree->height + height - 1;
    const struct base_radix_node *node = tree->root;
    for (unsigned level = height; level > 1; level--) {
        node = node->slots[radix_slot(idx, level)];
        if (node == NULL)
            return level - 1;
    }
    return 0;
}

/* All n nodes (at most as many as two full paths have), or none. */
static bool
radix_take_nodes(struct base_radix *tree, struct base_radix_node **taken, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        taken[i] = base_pool_get(tree->nodes);
        if (taken[i] == NULL) {
            while (i > 0)
                base_pool_put(tree->nodes, taken[--i]);
            return false;
        }
    }
    return true;
}

enum pgw_status
base_radix_set(struct base_radix *tree, uint64_t idx, void *value)
{
    struct base_radix_node *taken[2 * RADIX_HEIGHT_MAX];
    unsigned need = radix_height_for(idx);
    unsigned height = need > tree->height ? need : tree->height;
    unsigned n = radix_nodes_needed(tree, idx, height);

    BASE_ASSERT(value != NULL);
    if (!radix_take_nodes(tree, taken, n))
        return PGW_NOMEM;
    if (tree->root == NULL) {
        tree->root = taken[--n];
        tree->height = height;
    }
    for (; tree->height < height; tree->height++) {
        struct base_radix_node *root = taken[--n];
        radix_link(root, 0, tree->root);
        tree->root = root;
    }
    struct base_radix_node *node = tree->root;
    for (unsigned level = height; level > 1; level--) {
        unsigned slot = radix_slot(idx, level);
        if (node->slots[slot] == NULL)
            radix_link(node, slot, taken[--n]);
        node = node->slots[slot];
    }
    tree->count += node->slots[radix_slot(idx, 1)] == NULL;
    radix_link(node, radix_slot(idx, 1), value);
    return PGW_OK;
}

/* Takes away roots that only lead on to slot 0. */
static void
radix_lower(struct base_radix *tree)
{
    while (tree->height > 1 && tree->root->present == 1) {
        struct base_radix_node *root = tree->root;
        tree->root = root->slots[0];
        tree->height--;
        base_pool_put(tree->nodes, root);
    }
}

void *
base_radix_remove(struct base_radix *tree, uint64_t idx)
{
    struct base_radix_node *path[RADIX_HEIGHT_MAX + 1];

    if (radix_height_for(idx) > tree->height)
        return NULL;
    path[tree->height] = tree->root;
    for (unsigned level = tree->height; level > 1; level--) {
        path[level - 1] = path[level]->slots[radix_slot(idx, level)];
        if (path[level - 1] == NULL)
            return NULL;
    }
    void *value = path[1]->slots[radix_slot(idx, 1)];
    if (value == NULL)
        return NULL;
    tree->count--;
    for (unsigned level = 1; level <= tree->height; level++) {
        unsigned slot = radix_slot(idx, level);
        path[level]->slots[slot] = NULL;
        path[level]->present &= ~(UINT64_C(1) << slot);
        if (path[level]->present != 0) {
            radix_lower(tree);
            return value;
        }
        base_pool_put(tree->nodes, path[level]);
    }
    tree->root = NULL;
    tree->height = 0;
    return value;
}

static void
radix_unlink(struct base_radix_node *node, unsigned slot)
{
    node->slots[slot] = NULL;
    node->present &= ~(UINT64_C(1) << slot);
}

/*
 * Moves what lies at or after `at` below node into the empty node right[level], taking
 * right[level - 1] and so on for the path.  Nodes that end up empty, on either side, are unlinked
 * by the caller, which sees present == 0.
 */
static void
radix_split_below(struct base_radix *tree, struct base_radix_node *node,
    struct base_radix_node *const *right, unsigned level, uint64_t at)
{
    unsigned slot = radix_slot(at, level);
    struct base_radix_node *child = level > 1 ? node->slots[slot] : NULL;

    for (unsigned i = level > 1 ? slot + 1 : slot; i < RADIX_SLOTS; i++) {
        if (node->slots[i] != NULL)
            radix_link(right[level], i, node->slots[i]);
        radix_unlink(node, i);
    }
    if (child == NULL)
        return;
    radix_split_below(tree, child, right, level - 1, at);
    if (child->present == 0) {
        radix_unlink(node, slot);
        base_pool_put(tree->nodes, child);
    }
    if (right[level - 1]->present != 0)
        radix_link(right[level], slot, right[level - 1]);
}

static uint64_t
radix_count_below(const struct base_radix_node *node, unsigned level)
{
    uint64_t count = 0;

    if (level == 1)
        return (uint64_t)__builtin_popcountll(node->present);
    for (uint64_t left = node->present; left != 0; left &= left - 1)
        count += radix_count_below(node->slots[__builtin_ctzll(left)], level - 1);
    return count;
}

/* A tree whose root may be empty, made regular again. */
static void
radix_settle(struct base_radix *tree)
{
    if (tree->root->present == 0) {
        base_pool_put(tree->nodes, tree->root);
        tree->root = NULL;
        tree->height = 0;
        return;
    }
    radix_lower(tree);
}

enum pgw_status
base_radix_split(struct base_radix *tree, uint64_t at, struct base_radix *right)
{
    struct base_radix_node *path[RADIX_HEIGHT_MAX + 1];

    BASE_ASSERT(right->root == NULL && right->nodes == tree->nodes);
    if (radix_height_for(at) > tree->height)
        return PGW_OK; /* nothing is that far out */
    if (!radix_take_nodes(tree, path + 1, tree->height))
        return PGW_NOMEM;
    radix_split_below(tree, tree->root, path, tree->height, at);
    right->root = path[tree->height];
    right->height = tree->height;
    for (unsigned level = 1; level < tree->height; level++)
        if (path[level]->present == 0)
            base_pool_put(tree->nodes, path[level]);
    right->count = radix_count_below(right->root, right->height);
    tree->count -= right->count;
    radix_settle(tree);
    radix_settle(right);
    return PGW_OK;
}

/* A copy of what is below node; NULL: no memory. */
static struct base_radix_node *
radix_copy_below(struct base_radix *copy, const struct base_radix_node *node, unsigned level)
{
    struct base_radix_node *new = base_pool_get(copy->nodes);

    if (new == NULL)
        return NULL;
    if (level == 1) {
        *new = *node;
        return new;
    }
    for (uint64_t left = node->present; left != 0; left &= left - 1) {
        unsigned slot = (unsigned)__builtin_ctzll(left);
        void *child = radix_copy_below(copy, node->slots[slot], level - 1);
        if (child == NULL) {
            radix_free_below(copy, new, level);
            return NULL;
        }
        radix_link(new, slot, child);
    }
    return new;
}

enum pgw_status
base_radix_copy(const struct base_radix *tree, struct base_radix *copy)
{
    struct base_radix_node *root;

    BASE_ASSERT(copy->root == NULL);
    if (tree->root == NULL)
        return PGW_OK;
    root = radix_copy_below(copy, tree->root, tree->height);
    if (root == NULL)
        return PGW_NOMEM;
    copy->root = root;
    copy->height = tree->height;
    copy->count = tree->count;
    return PGW_OK;
}

/* The first entry at or after *idx below node, which covers *idx. */
static void *
radix_next_below(const struct base_radix_node *node, unsigned level, uint64_t *idx)
{
    unsigned shift = RADIX_BITS * (level - 1);
    unsigned slot = radix_slot(*idx, level);
    uint64_t left = node->present & UINT64_MAX << slot;

    for (; left != 0; left &= left - 1) {
        unsigned at = (unsigned)__builtin_ctzll(left);
        if (at != slot) { /* a later child: from its first index */
            *idx = (*idx >> shift & ~(uint64_t)(RADIX_SLOTS - 1)) + at;
            *idx <<= shift;
            slot = at;
        }
        void *value =
            level == 1 ? node->slots[at] : radix_next_below(node->slots[at], level - 1, idx);
        if (value != NULL)
            return value;
    }
    return NULL;
}

void *
base_radix_next(const struct base_radix *tree, uint64_t *idx)
{
    uint64_t at = *idx;

    if (radix_height_for(at) > tree->height)
        return NULL;
    void *value = radix_next_below(tree->root, tree->height, &at);
    if (value != NULL)
        *idx = at;
    return value;
}
