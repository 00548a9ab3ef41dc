/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating point on the host's unit.  While a hart runs, the host rounds to nearest-even and its
 * sticky exception flags gather the guest's; they are merged into fcsr when it is read and when
 * the hart stops.  Every other rounding mode is computed in integers (cpu/softfp.h).
 */
#ifndef CPU_FP_H
#define CPU_FP_H

#include "cpu/cpu_core.h"

/* fflags (manual, figure 11.2). */
#define CPU_NX 1u
#define CPU_UF 2u
#define CPU_OF 4u
#define CPU_DZ 8u
#define CPU_NV 16u

/* Rounding modes (table 11.1). */
#define CPU_RNE 0u
#define CPU_RTZ 1u
#define CPU_RDN 2u
#define CPU_RUP 3u
#define CPU_RMM 4u
#define CPU_DYN 7u

#if defined(__SSE2__)
#include <xmmintrin.h>

/* The host's own state, kept while the hart has the unit. */
struct cpu_fp_env {
    unsigned mxcsr;
};

#define CPU_MXCSR_START 0x1f80u /* all masked, to nearest, no flags, subnormals kept */

static inline void
cpu_fp_take(struct cpu_fp_env *host)
{
    host->mxcsr = _mm_getcsr();
    _mm_setcsr(CPU_MXCSR_START);
}

static inline void
cpu_fp_give(const struct cpu_fp_env *host)
{
    _mm_setcsr(host->mxcsr);
}

/* The flags gathered since the last call. */
static inline uint32_t
cpu_fp_gather(void)
{
    unsigned csr = _mm_getcsr();
    if ((csr & 0x3f) == 0)
        return 0;
    _mm_setcsr(CPU_MXCSR_START);
    return (csr & 1) << 4 | (csr & 4) << 1 | (csr & 8) >> 1 | (csr & 16) >> 3 | (csr & 32) >> 5;
}
#else
#include <fenv.h>

struct cpu_fp_env {
    fenv_t env;
};

static inline void
cpu_fp_take(struct cpu_fp_env *host)
{
    fegetenv(&host->env);
    fesetenv(FE_DFL_ENV);
}

static inline void
cpu_fp_give(const struct cpu_fp_env *host)
{
    fesetenv(&host->env);
}

static inline uint32_t
cpu_fp_gather(void)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
    return (raised & FE_INEXACT ? CPU_NX : 0) | (raised & FE_UNDERFLOW ? CPU_UF : 0) |
           (raised & FE_OVERFLOW ? CPU_OF : 0) | (raised & FE_DIVBYZERO ? CPU_DZ : 0) |
           (raised & FE_INVALID ? CPU_NV : 0);
}
#endif

/* Brings regs.fcsr up to date, flags of the host's unit included. */
static inline void
cpu_fp_merge(struct cpu_core *c)
{
    c->fflags |= cpu_fp_gather();
    c->hart.regs.fcsr = c->frm << 5 | c->fflags;
}

/* Takes a new fcsr; what the host's unit had gathered is forgotten. */
static inline void
cpu_fp_load(struct cpu_core *c, uint32_t fcsr)
{
    (void)cpu_fp_gather();
    c->fflags = fcsr & 31;
    c->frm = fcsr >> 5 & 7;
    c->hart.regs.fcsr = fcsr & 255;
}

static inline void
cpu_fp_begin(struct cpu_core *c, struct cpu_fp_env *host)
{
    cpu_fp_take(host);
    cpu_fp_load(c, c->hart.regs.fcsr);
}

static inline void
cpu_fp_end(struct cpu_core *c, const struct cpu_fp_env *host)
{
    cpu_fp_merge(c);
    cpu_fp_give(host);
}

#endif
