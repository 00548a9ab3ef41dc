/* SPDX-License-Identifier: BSD-2-Clause */
/* Matrices of doubles and of integers: products by rows and by columns, and a linear system. */
#include <math.h>

#include "guest.h"

static double *
make(size_t n, uint64_t seed)
{
    double *m = malloc(n * n * sizeof *m);
    GUEST_CHECK(m != NULL);
    for (size_t i = 0; i < n * n; i++)
        m[i] = (double)(guest_value(seed, i) % 2001) / 1000.0 - 1.0;
    return m;
}

static void
multiply(const double *a, const double *b, double *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t k = 0; k < n; k++)
                sum += a[i * n + k] * b[k * n + j];
            c[i * n + j] = sum;
        }
    }
}

/* Gauss-Jordan without pivoting on a diagonally dominant matrix; the residual is returned. */
static double
solve(size_t n)
{
    double *m = make(n, 3), *keep = make(n, 3);
    double *x = malloc(n * sizeof *x);
    GUEST_CHECK(x != NULL);
    for (size_t i = 0; i < n; i++) {
        m[i * n + i] = keep[i * n + i] = (double)(2 * n);
        x[i] = (double)i;
    }
    for (size_t p = 0; p < n; p++) {
        for (size_t r = 0; r < n; r++) {
            if (r == p)
                continue;
            double f = m[r * n + p] / m[p * n + p];
            for (size_t c = p; c < n; c++)
                m[r * n + c] -= f * m[p * n + c];
            x[r] -= f * x[p];
        }
    }
    for (size_t i = 0; i < n; i++)
        x[i] /= m[i * n + i];
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < n; k++)
            sum += keep[i * n + k] * x[k];
        worst = fmax(worst, fabs(sum - (double)i));
    }
    free(m);
    free(keep);
    free(x);
    return worst;
}

static uint64_t
integers(size_t n)
{
    uint32_t *m = malloc(n * n * sizeof *m), *p = malloc(n * n * sizeof *p);
    GUEST_CHECK(m != NULL && p != NULL);
    for (size_t i = 0; i < n * n; i++)
        m[i] = (uint32_t)guest_value(4, i);
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++) {
            uint32_t sum = 0;
            for (size_t k = 0; k < n; k++)
                sum += m[i * n + k] * m[k * n + j];
            p[i * n + j] = sum;
        }
    }
    uint64_t sum = guest_sum_bytes(p, n * n * sizeof *p);
    free(m);
    free(p);
    return sum;
}

int
main(int argc, char **argv)
{
    size_t n = guest_arg(argc, argv, 1, 80);
    double *a = make(n, 1), *b = make(n, 2), *c = make(n, 1);
    multiply(a, b, c, n);
    double trace = 0;
    for (size_t i = 0; i < n; i++)
        trace += c[i * n + i];
    printf(
        "%zux%zu, trace %.12g, bytes %016lx\n", n, n, trace, guest_sum_bytes(c, n * n * sizeof *c));
    printf("integers %016lx\n", integers(n));
    printf("residual below 1e-9: %d\n", solve(n) < 1e-9);
    free(a);
    free(b);
    free(c);
    return 0;
}
