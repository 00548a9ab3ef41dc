/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of page-table formats, from their rows. */
#include "mmu/format.h"

#include <stddef.h>

#define ROW(cname, name) &mmu_##cname,

/* clang-format off */
const struct mmu_format *const mmu_formats[] = {
    MMU_RADIX_ROWS(ROW)
    &mmu_mips32,
    NULL,
};
/* clang-format on */
