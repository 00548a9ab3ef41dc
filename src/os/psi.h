/* SPDX-License-Identifier: BSD-2-Clause */
/* Pressure as Linux shows it: /proc/pressure/memory. */
#ifndef OS_PSI_H
#define OS_PSI_H

#include <stddef.h>

#include "vm/vm.h"

#define OS_PSI_TEXT 192u /* bytes that are always enough */

/* Two lines, of some and of full: percent over 10, 60 and 300 seconds, and microseconds in all. */
void os_psi_format(const struct vm_pressure *pressure, char *out, size_t len);

#endif
