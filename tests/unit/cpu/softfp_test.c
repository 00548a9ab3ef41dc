/* SPDX-License-Identifier: BSD-2-Clause */
/* The integer arithmetic of cpu/softfp.h against the host's unit, results and flags, in the four
 * modes that the host has. */
#include <fenv.h>
#include <math.h>
#include <string.h>

#include "cpu/fp.h"
#include "cpu/softfp.h"
#include "support/test.h"

#define TRIES 200000

static const int host_modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

static uint32_t
host_flags(void)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);
    return (raised & FE_INEXACT ? CPU_NX : 0) | (raised & FE_UNDERFLOW ? CPU_UF : 0) |
           (raised & FE_OVERFLOW ? CPU_OF : 0) | (raised & FE_DIVBYZERO ? CPU_DZ : 0) |
           (raised & FE_INVALID ? CPU_NV : 0);
}

/* Exponents near each other, near the ends of the range, or anything. */
static uint64_t
operand(struct base_rng *rng)
{
    uint64_t bits = base_rng_next(rng), how = base_rng_below(rng, 8);
    static const uint64_t starts[] = {1000, 1015, 0, 0x7f0, 500, 1020};
    if (how < 6)
        bits = (bits & 0x800fffffffffffff) | (starts[how] + base_rng_below(rng, 16)) << 52;
    if (base_rng_below(rng, 3) == 0)
        bits &= 0xfffffff000000000;
    if (base_rng_below(rng, 50) == 0)
        bits &= 0xfff0000000000000;
    return bits;
}

static double
as_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint64_t
canonical(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return v != v ? cpu_soft_double.nan : bits;
}

enum operation { ADD, MUL, DIV, SQRT, FMA, NARROW, OPERATIONS };

/* volatile: the operation happens here, between the flags' clearing and reading. */
static uint64_t
host_do(enum operation operation, uint64_t abits, uint64_t bbits, uint64_t cbits)
{
    volatile double a = as_double(abits), b = as_double(bbits), c = as_double(cbits);
    volatile double r = 0;
    feclearexcept(FE_ALL_EXCEPT);
    switch (operation) {
    case ADD:
        r = a + b;
        break;
    case MUL:
        r = a * b;
        break;
    case DIV:
        r = a / b;
        break;
    case SQRT:
        r = sqrt(a);
        break;
    case FMA:
        r = fma(a, b, c);
        break;
    default: {
        volatile float f = (float)a;
        uint32_t bits;
        float copy = f;
        memcpy(&bits, &copy, sizeof bits);
        return copy != copy ? cpu_soft_single.nan : bits;
    }
    }
    return canonical(r);
}

static uint64_t
soft_do(enum operation operation, uint64_t a, uint64_t b, uint64_t c, unsigned rm, uint32_t *flags)
{
    const struct cpu_soft_format *d = &cpu_soft_double;
    switch (operation) {
    case ADD:
        return cpu_soft_add(d, a, b, rm, flags);
    case MUL:
        return cpu_soft_mul(d, a, b, rm, flags);
    case DIV:
        return cpu_soft_div(d, a, b, rm, flags);
    case SQRT:
        return cpu_soft_sqrt(d, a, rm, flags);
    case FMA:
        return cpu_soft_fma(d, a, b, c, rm, flags);
    default:
        return cpu_soft_convert(d, &cpu_soft_single, a, rm, flags);
    }
}

static void
agrees_with_the_host(void **state)
{
    (void)state;
    struct base_rng rng;
    uint64_t seed = test_seed();
    base_rng_init(&rng, seed);
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t a = operand(&rng), b = operand(&rng), c = operand(&rng);
        unsigned rm = (unsigned)base_rng_below(&rng, 4);
        enum operation operation = (enum operation)base_rng_below(&rng, OPERATIONS);
        fesetround(host_modes[rm]);
        uint64_t expected = host_do(operation, a, b, c);
        uint32_t expected_flags = host_flags(), flags = 0;
        fesetround(FE_TONEAREST);
        uint64_t result = soft_do(operation, a, b, c, rm, &flags);
        /* A NaN addend: the host may not see that infinity times zero is invalid. */
        if (operation == FMA && result == cpu_soft_double.nan)
            expected_flags |= flags & CPU_NV;
        if (result != expected || flags != expected_flags)
            print_message("operation %d mode %u: %llx %llx %llx\n", (int)operation, rm,
                (unsigned long long)a, (unsigned long long)b, (unsigned long long)c);
        assert_int_equal(result, expected);
        assert_int_equal(flags, expected_flags);
    }
}

/* Ties, which only nearest-even and nearest-away tell apart. */
static void
ties_go_away_or_to_even(void **state)
{
    (void)state;
    const struct cpu_soft_format *d = &cpu_soft_double;
    uint32_t flags = 0;
    uint64_t one = 0x3ff0000000000000, half_ulp = 0x3ca0000000000000;
    assert_int_equal(cpu_soft_add(d, one, half_ulp, CPU_RNE, &flags), one);
    assert_int_equal(cpu_soft_add(d, one, half_ulp, CPU_RMM, &flags), one + 1);
    assert_int_equal(cpu_soft_add(d, one + 1, half_ulp, CPU_RNE, &flags), one + 2);
    assert_int_equal(flags, CPU_NX);
    uint64_t two_and_a_half = 0x4004000000000000;
    assert_int_equal(cpu_soft_to_int(d, two_and_a_half, true, 32, CPU_RNE, &flags), 2);
    assert_int_equal(cpu_soft_to_int(d, two_and_a_half, true, 32, CPU_RMM, &flags), 3);
    assert_int_equal(
        cpu_soft_to_int(d, two_and_a_half | d->sign, true, 64, CPU_RMM, &flags), (uint64_t)-3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_host), cmocka_unit_test(ties_go_away_or_to_even)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
