/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings, printf and scanf in all their conversions, floating point with rounding modes and
 * exception flags, and the mathematical library. */
#include <ctype.h>
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "guest.h"

static void
conversions(void)
{
    printf("[%d|%5d|%-5d|%05d|%+d|% d|%x|%#o|%X]\n", -42, 42, 42, 42, 42, 42, 48879, 8, 0xabc);
    printf("[%ld|%lu|%zu|%hhd|%hd]\n", INT64_MIN, UINT64_MAX, sizeof(int), (signed char)200,
        (short)70000);
    printf("[%s|%10s|%-10s|%.3s|%c|%%]\n", "abc", "right", "left", "truncated", 'z');
    printf("[%f|%.0f|%10.3f|%e|%g|%g|%a]\n", 3.14159, 2.5, -1.0 / 3, 12345.678, 1e-5, 1e20, 0.1);
    printf("[%f|%f|%f|%g]\n", INFINITY, -INFINITY, NAN, -0.0);
    printf("[%.17g|%.17g|%g|%g]\n", 0.1, 1.0 / 3, DBL_MIN, DBL_MAX);
    printf("[%.20Lg|%Lf]\n", 1.0L / 3, 2.5L);
}

static void
readings(void)
{
    int a = 0, n = 0;
    double d = 0;
    char word[16] = "";
    int got = sscanf(" 17 0x1.8p3 words and more", "%d %lf %15s%n", &a, &d, word, &n);
    printf("sscanf %d: %d %g %s %d\n", got, a, d, word, n);
    printf("strtol %ld %ld %ld\n", strtol("-0x7fff", NULL, 0), strtol("zz", NULL, 36),
        strtol("99999999999999999999", NULL, 10));
    uint64_t state = 21, sum = 0;
    for (int i = 0; i < 2000; i++) {
        uint64_t bits = guest_rand(&state);
        double x, y;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x))
            continue;
        char text[40];
        snprintf(text, sizeof text, "%.17g", x);
        y = strtod(text, NULL);
        GUEST_CHECK(memcmp(&x, &y, sizeof x) == 0);
        sum = guest_sum(sum, guest_sum_bytes(text, strlen(text)));
    }
    printf("round trips %016lx\n", sum);
}

static void
strings(void)
{
    char text[] = "the quick brown fox jumps over the lazy dog", copy[100], *rest = text;
    memset(copy, 0, sizeof copy);
    for (char *w = strtok_r(rest, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
        w[0] = (char)toupper(w[0]);
        strcat(copy, w);
        strcat(copy, "-");
    }
    printf("%s %zu %s %d\n", copy, strlen(copy), strstr(copy, "Fox"), strcmp("a", "b") < 0);
    memmove(copy + 4, copy, 20);
    printf("%.24s %zu %zu\n", copy, strspn("aabbc", "ab"), strcspn("hello", "l"));
    printf("%p %d\n", memchr(copy, 0, 0), strcasecmp("HeLLo", "hEllO"));
}

static void
rounding(void)
{
    static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    volatile double one = 1, three = 3, tiny = DBL_MIN, zero = 0;
    for (size_t i = 0; i < 4; i++) {
        fesetround(modes[i]);
        volatile double q = one / three, nq = -one / three;
        volatile float f = (float)q;
        printf("mode %zu: %a %a %a %ld %ld %g\n", i, q, nq, (double)f, lrint(2.5), lrint(-2.5),
            rint(1.5));
    }
    fesetround(FE_TONEAREST);
    feclearexcept(FE_ALL_EXCEPT);
    volatile double r = one / zero;
    printf("flags: div %d", fetestexcept(FE_DIVBYZERO) != 0);
    r = zero / zero;
    printf(" inv %d", fetestexcept(FE_INVALID) != 0);
    r = one / three;
    printf(" nx %d", fetestexcept(FE_INEXACT) != 0);
    r = tiny / three;
    printf(" uf %d", fetestexcept(FE_UNDERFLOW) != 0);
    r = DBL_MAX * three;
    printf(" of %d\n", fetestexcept(FE_OVERFLOW) != 0);
    (void)r;
}

static void
mathematics(void)
{
    double sum = 0;
    float fsum = 0;
    for (int i = 1; i <= 3000; i++) {
        double x = i / 100.0;
        sum += sin(x) * cos(x) + log(x) + sqrt(x) + exp(-x) + atan2(x, 2) + pow(x, 0.3) + cbrt(x) +
               tgamma(1 + fmod(x, 3)) + hypot(x, 1) + fma(x, x, -1);
        fsum += sinf((float)x) + floorf((float)x) + roundf((float)x) + truncf((float)-x);
    }
    printf("%.9g %.6g %d %g\n", sum, (double)fsum, ilogb(1000.0), nextafter(1.0, 2.0) - 1);
    printf("%d %d %ld %lu\n", (int)-1e9, (int)123.9f, (long)-4e18, (uint64_t)1.8e19);
}

int
main(void)
{
    conversions();
    readings();
    strings();
    rounding();
    mathematics();
    return 0;
}
