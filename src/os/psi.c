/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/psi.h"

#include <stdio.h>

void
os_psi_format(const struct vm_pressure *pressure, char *out, size_t len)
{
    static const char *const kinds[VM_PRESSURE_KINDS] = {"some", "full"};
    size_t at = 0;

    for (unsigned i = 0; i < VM_PRESSURE_KINDS && at < len; i++) {
        unsigned long long whole[VM_PRESSURE_WINDOWS], part[VM_PRESSURE_WINDOWS];
        for (unsigned w = 0; w < VM_PRESSURE_WINDOWS; w++) {
            uint64_t average = pressure->average[i][w];
            whole[w] = average >> VM_PRESSURE_SHIFT;
            part[w] = (average & ((1u << VM_PRESSURE_SHIFT) - 1)) * 100 >> VM_PRESSURE_SHIFT;
        }
        int put = snprintf(out + at, len - at,
            "%s avg10=%llu.%02llu avg60=%llu.%02llu avg300=%llu.%02llu total=%llu\n", kinds[i],
            whole[0], part[0], whole[1], part[1], whole[2], part[2],
            (unsigned long long)(pressure->total[i] / 1000));
        at += put > 0 ? (size_t)put : 0;
    }
}
