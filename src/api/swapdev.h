/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens the swap device that a configuration asks for. */
#ifndef API_SWAPDEV_H
#define API_SWAPDEV_H

#include "api/sim.h"

/* Sets system->swap (NULL for none) and settings.swap_text; on failure says what and why. */
MUST_CHECK enum pgw_status swapdev_open(struct pgw_system *system, const struct pgw_config *config);

#endif
