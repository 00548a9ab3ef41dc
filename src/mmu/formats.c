/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of page-table formats: a new one is its row and a line here. */
#include "mmu/format.h"

#include <stddef.h>

const struct mmu_format *const mmu_formats[] = {
    &mmu_linear,
    &mmu_x86,
    &mmu_pae,
    &mmu_x86_64,
    &mmu_la57,
    &mmu_sv32,
    &mmu_sv39,
    &mmu_sv48,
    &mmu_sv57,
    &mmu_armv8,
    &mmu_mips32,
    NULL,
};
