/* SPDX-License-Identifier: BSD-2-Clause */
/* The maps of processes, as they were when each of them ended: for the report. */
#ifndef API_MAPS_H
#define API_MAPS_H

#include "report/report.h"
#include "vm/space.h"

struct pgw_system;

/* Processes whose maps are kept; of those that end later it is only known how many they were. */
#define MAPS_PROCESSES_MAX 64u

struct maps {
    struct report_process process[MAPS_PROCESSES_MAX];
    size_t n;
    uint64_t left_out; /* processes: too many, or no memory */
};

/* os_config.ended_space: notes what space has, if the configuration asks for maps. */
void maps_note(void *ctx, struct space *space, int pid, const char *name);
void maps_fini(struct maps *maps);

#endif
