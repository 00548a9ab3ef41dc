/* SPDX-License-Identifier: BSD-2-Clause */
/* Traces in memory: made at random, written, read back, compared. */
#ifndef TRACE_RIG_H
#define TRACE_RIG_H

#include <pagewright/trace.h>

#include "support/test.h"

struct rig_trace {
    struct pgw_ref *ref;
    size_t n, room;
    struct rig_event {
        struct pgw_event event;
        uint64_t at; /* references before it */
        char text[64];
    } * event;
    size_t nevents, events_room;
};

void rig_free(struct rig_trace *trace);
void rig_add(struct rig_trace *trace, const struct pgw_ref *ref);
void rig_add_event(struct rig_trace *trace, const struct pgw_event *event);
/* One reference, its counts as they follow from its kind. */
struct pgw_ref rig_ref(uint32_t process, uint8_t kind, uint64_t va, unsigned size);

/* n references as programs make them (loops with data, in several processes) mixed with arbitrary
 * ones, with events if asked for. */
void rig_random(struct rig_trace *trace, struct base_rng *rng, size_t n, bool events);

/* A new file's name in a folder of the test's own; path of 64 bytes. */
void rig_path(char *path);
/* Writes the trace as our own format; options may be NULL. */
void rig_write(const struct rig_trace *trace, const char *path,
    const struct pgw_trace_writer_options *options);
/* Opens path, reads all of it with these options (NULL: none), and closes it. */
enum pgw_status rig_read(
    struct rig_trace *trace, const char *path, const struct pgw_trace_options *options);
/* The rest of an open trace. */
enum pgw_status rig_read_on(struct rig_trace *trace, struct pgw_trace *from);

/* Are a's references from `from` on, and the events among them, the same as all of b's? */
void rig_assert_same(const struct rig_trace *a, uint64_t from, const struct rig_trace *b);

/* A whole file. */
uint8_t *rig_load(const char *path, size_t *len);
void rig_save(const char *path, const void *bytes, size_t len);

#endif
