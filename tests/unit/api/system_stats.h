/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of a system; after cmocka.h. */
#ifndef TESTS_SYSTEM_STATS_H
#define TESTS_SYSTEM_STATS_H

#include <pagewright/pagewright.h>

static inline struct pgw_stats
stats_of(struct pgw_system *system)
{
    struct pgw_stats stats = {.size = sizeof stats};

    assert_int_equal(pgw_system_stats(system, &stats), PGW_OK);
    return stats;
}

#endif
