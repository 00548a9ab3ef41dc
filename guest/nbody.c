/* SPDX-License-Identifier: BSD-2-Clause */
/* Floating-point kernels: planets under gravity (energy to the last bit), the Mandelbrot set,
 * a spectral norm, and the same sum in float, double and long double. */
#include <math.h>

#include "guest.h"

#define BODIES 5

struct body {
    double at[3], speed[3], mass;
};

/* The sun and four planets, in units of AU, years/2pi and solar masses, rounded freely: the
 * system need only be lively. */
static const struct body start[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, 39.47841760435743},
    {{4.84, -1.16, -0.10}, {0.606, 2.81, -0.02}, 0.03769},
    {{8.34, 4.12, -0.4}, {-1.01, 1.82, 0.008}, 0.01128},
    {{12.89, -15.11, -0.22}, {1.08, 0.868, -0.01}, 0.00172},
    {{15.37, -25.9, 0.179}, {0.979, 0.594, -0.034}, 0.00203},
};

static void
advance(struct body *b, double dt)
{
    for (int i = 0; i < BODIES; i++) {
        for (int j = i + 1; j < BODIES; j++) {
            double d[3], square = 0;
            for (int k = 0; k < 3; k++) {
                d[k] = b[i].at[k] - b[j].at[k];
                square += d[k] * d[k];
            }
            double pull = dt / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                b[i].speed[k] -= d[k] * b[j].mass * pull;
                b[j].speed[k] += d[k] * b[i].mass * pull;
            }
        }
    }
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++)
            b[i].at[k] += dt * b[i].speed[k];
    }
}

static double
energy(const struct body *b)
{
    double e = 0;
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++)
            e += 0.5 * b[i].mass * b[i].speed[k] * b[i].speed[k];
        for (int j = i + 1; j < BODIES; j++) {
            double square = 0;
            for (int k = 0; k < 3; k++)
                square += (b[i].at[k] - b[j].at[k]) * (b[i].at[k] - b[j].at[k]);
            e -= b[i].mass * b[j].mass / sqrt(square);
        }
    }
    return e;
}

static void
planets(unsigned steps)
{
    struct body b[BODIES];
    for (int i = 0; i < BODIES; i++)
        b[i] = start[i];
    for (unsigned i = 0; i < steps; i++)
        advance(b, 0.01);
    printf("energy %.15g %a\n", energy(b), b[1].at[0]);
}

static void
mandelbrot(int size)
{
    uint64_t sum = 0;
    int inside = 0;
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            double cr = 2.0 * x / size - 1.5, ci = 2.0 * y / size - 1, r = 0, i = 0;
            unsigned n = 0;
            while (n < 60 && r * r + i * i < 4) {
                double keep = r * r - i * i + cr;
                i = 2 * r * i + ci;
                r = keep;
                n++;
            }
            inside += n == 60;
            sum = guest_sum(sum, n);
        }
    }
    printf("mandelbrot %d inside, sum %016lx\n", inside, sum);
}

static double
entry(int i, int j)
{
    return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static void
spectral(int n)
{
    double u[100], v[100], w[100], uv = 0, vv = 0;
    for (int i = 0; i < n; i++)
        u[i] = 1;
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < n; i++) {
            w[i] = 0;
            for (int j = 0; j < n; j++)
                w[i] += entry(i, j) * u[j];
        }
        for (int i = 0; i < n; i++) {
            v[i] = 0;
            for (int j = 0; j < n; j++)
                v[i] += entry(j, i) * w[j];
        }
        for (int i = 0; i < n && round < 5; i++)
            u[i] = v[i];
    }
    for (int i = 0; i < n; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    printf("spectral norm %.12f\n", sqrt(vv / uv));
}

static void
sums(int n)
{
    float f = 0;
    double d = 0;
    long double l = 0;
    for (int i = 1; i <= n; i++) {
        f += 1.0f / (float)i;
        d += 1.0 / i;
        l += 1.0L / i;
    }
    printf("harmonic %.9g %.17g %.25Lg\n", (double)f, d, l);
}

int
main(int argc, char **argv)
{
    unsigned scale = (unsigned)guest_arg(argc, argv, 1, 2);
    planets(2000 * scale);
    mandelbrot((int)(40 * scale));
    spectral(80);
    sums((int)(1500 * scale));
    return 0;
}
