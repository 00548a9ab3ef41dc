/* SPDX-License-Identifier: BSD-2-Clause */
/* What pgw_replay_run() says of a replay that failed. */
#ifndef API_REPLAYING_H
#define API_REPLAYING_H

#include <stdbool.h>

struct pgw_replay;

/* Was it an address that the modelled scheme has not?  Then why, of PGW_TRACE_WHY bytes, says which
 * and what to do. */
bool replaying_strange(const struct pgw_replay *replay, char *why);

#endif
