/* SPDX-License-Identifier: BSD-2-Clause */
#include "mmu/mmu.h"

/* The last place is the dummy: it is never counted. */
struct mmu_step *
mmu_trace_add(struct mmu_trace *trace, enum mmu_step_kind kind)
{
    struct mmu_step *step = &trace->step[trace->n];
    if (trace->n < MMU_TRACE_MAX - 1)
        trace->n++;
    *step = (struct mmu_step){.kind = kind};
    return step;
}
