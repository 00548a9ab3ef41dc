/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recording a run to a trace.
 *
 * Theory.  Two threads.  The machine's own puts words and addresses into a buffer (cpu/recorder.h),
 * with the events that change a space, and where among these they belong.  When the buffer is full
 * it goes to the feeder, a thread that turns it into the trace writer's calls; there is a fixed
 * number of buffers, so a machine that is ahead by all of them waits.  What is in the trace depends
 * on the order of the machine's work only, never on the threads' pace.
 *
 * Events are seen at the memory manager's interface: each space of a recorded run has a table of
 * calls of its own, in which those that change it are ours: they pass the call on, and note what
 * was done.  So the personality knows nothing of recording, and nothing that changes a space can be
 * forgotten by it.  (Rejected: a call to a recorder in each system call, of which there are many.)
 *
 * A process of the trace is a space.  exec makes a new space and leaves the old one, and may fail
 * in between: so the new one's events are held back until it first runs, and if the old one is gone
 * by then, the new one has its number.
 *
 * Pieces of code are known by process, address and content: the hart decodes again what it has
 * dropped, and finds the number that it had.  When there are very many, all are forgotten together
 * and the harts are told that their numbers are void.
 *
 * Who owns what: a piece of code belongs to the machine's thread.  When its generation is over, all
 * go to the feeder with the next buffer: what was executed of them, it has been given before.
 */
#ifndef API_RECORDING_H
#define API_RECORDING_H

#include <pagewright/record.h>

#include "cpu/recorder.h"
#include "host/host_thread.h"
#include "trace/writer.h"
#include "vm/space.h"

#define RECORDING_WORDS 49152u
#define RECORDING_VAS 32768u
#define RECORDING_BUFFERS 8u
#define RECORDING_NUMBERS (1u << 21) /* of executions: after so many, all code is forgotten */
#define RECORDING_BUCKETS (1u << 16)

/* A piece of code; it does not change. */
struct recording_code {
    uint64_t hash;
    struct recording_code *same_bucket, *next; /* the machine's */
    uint64_t pc;
    uint32_t process;
    uint32_t first; /* number of its executions: see trace/writer.h */
    uint8_t n;
    struct cpu_code_insn insns[]; /* n of them */
};

/* An event, with text of its own, and what comes before it in its buffer. */
struct recording_event {
    struct pgw_event event;
    char text[64];
    uint32_t words, vas;
};

struct recording_buf {
    struct recording_buf *next;
    struct recording_code *stale;  /* of before it, all that there were: gone now */
    struct recording_code **codes; /* new ones: described before the rest is looked at */
    size_t ncodes, codes_room;
    struct recording_event *events;
    size_t nevents, events_room;
    uint32_t nwords, nvas;
    uint32_t words[RECORDING_WORDS];
    uint64_t vas[RECORDING_VAS];
};

struct recording_figures {
    uint64_t fetches, accesses, events, codes;
    uint64_t bytes; /* of the file, when it is closed; 0: not a file */
};

struct recording;

/* A space of a recorded run. */
struct recording_space {
    struct space_ops ops; /* what its space.ops points to */
    const struct space_ops *under;
    struct recording *recorder;
    uint32_t number; /* its process in the trace; 0: it has not run, nor has it one to come into */
    bool runs;       /* or ran */
    const struct space *from; /* not yet run: the space of who executes its program */
    char program[64];
    struct recording_event *early; /* before it ran */
    size_t nearly, early_room;
};

struct recording {
    struct cpu_recorder cpu;   /* first: what harts know */
    struct recording_buf *buf; /* being filled */
    struct recording_code *bucket[RECORDING_BUCKETS];
    struct recording_code *all;  /* codes, of this generation */
    uint32_t numbers;            /* given out */
    uint32_t process, processes; /* whose turn it is; how many there were */
    struct recording_space *pending;

    struct host_monitor monitor; /* guards what follows, up to the feeder's own */
    struct recording_buf *full, **full_end, *free;
    unsigned nfull;
    bool closing;
    enum pgw_status status; /* what made it stop */

    struct host_thread thread; /* the feeder, and its own: */
    struct pgw_trace_writer *writer;
    struct recording_figures figures;

    struct recording_buf bufs[RECORDING_BUFFERS];
};

/* Takes the writer over.  PGW_NOMEM; then it is still the caller's. */
MUST_CHECK enum pgw_status recording_create(
    struct pgw_trace_writer *writer, struct recording **recorder);
/* Writes what is left and ends the writer; the recorder is gone.  What went wrong, ever. */
enum pgw_status recording_close(
    struct recording *recorder, enum trace_end how, struct recording_figures *figures);
/* What has made it stop; PGW_OK: nothing. */
enum pgw_status recording_status(struct recording *recorder);

/* A new space of the run, which is destroyed on failure.  PGW_NOMEM. */
MUST_CHECK enum pgw_status recording_space(struct recording *recorder, struct space *space);
/* os_config.program: the space is for this program, executed by who runs in `from`. */
void recording_program(struct space *space, const struct space *from, const char *name);

/* Adds an event at this point of the run. */
void recording_put(struct recording *recorder, const struct recording_event *event);
/* Room for one more element of size in an array that grows; false: no memory. */
bool recording_grow(void **array, size_t *room, size_t n, size_t size);
/* It stops, for this reason. */
void recording_stop(struct recording *recorder, enum pgw_status status);

/* The feeder: works until closing (recording_feed.c). */
void recording_feed(void *recorder);

#endif
