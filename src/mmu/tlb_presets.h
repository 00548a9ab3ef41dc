/* SPDX-License-Identifier: BSD-2-Clause */
/* TLBs of real processors, as specifications. */
#ifndef MMU_TLB_PRESETS_H
#define MMU_TLB_PRESETS_H

struct tlb_preset {
    const char *name;
    const char *text;    /* as mmu_tlb_spec_parse reads it, without presets */
    const char *summary; /* the processor, and where the figures are from */
};

/* NULL name at the end. */
extern const struct tlb_preset tlb_presets[];

#endif
