/* SPDX-License-Identifier: BSD-2-Clause */
/* From what the caller asks for to what the machine needs. */
#ifndef API_SETTINGS_H
#define API_SETTINGS_H

#include "api/sim.h"

/* The caller's configuration in full, whatever version he was compiled against.  PGW_INVAL. */
MUST_CHECK enum pgw_status settings_config(
    struct pgw_system *system, const struct pgw_config *given, struct pgw_config *config);

/* Looks names up and checks figures; on failure says which is wrong. */
MUST_CHECK enum pgw_status settings_read(
    struct pgw_system *system, const struct pgw_config *config);

#endif
