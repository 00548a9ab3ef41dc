/* SPDX-License-Identifier: BSD-2-Clause */
/* How the files of /proc are made: private to the proc*.c files. */
#ifndef OS_PROCTEXT_H
#define OS_PROCTEXT_H

#include "os/machine.h"
#include "os/procfs.h"

/* Text on its way into a host file, by way of the personality's bounce buffer. */
struct os_proc_text {
    struct os *os;
    int fd;
    size_t len;    /* in the buffer */
    int64_t error; /* of the host's, at the first write that failed */
};

void os_proc_put(struct os_proc_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void os_proc_bytes(struct os_proc_text *text, const void *bytes, size_t len);

struct os_proc_file {
    const char *name; /* below /proc/PID or /proc */
    void (*show)(struct os_proc_text *text, struct os_process *whose);
    /* value ends with a NUL, which is not of len.  0 or an error; NULL: cannot be written. */
    int64_t (*write)(struct os_process *whose, const char *value, size_t len);
};

/* Tables that end with a NULL name: of one process, and of the machine. */
extern const struct os_proc_file os_proc_process_files[];
extern const struct os_proc_file os_proc_machine_files[];
/* procsys.c: more of the machine; below /sys/kernel/mm; and below /sys/kernel/debug/extfrag. */
extern const struct os_proc_file os_proc_service_files[];
extern const struct os_proc_file os_proc_sys_files[];
extern const struct os_proc_file os_proc_debug_files[];

/* procmaps.c */
void os_proc_maps(struct os_proc_text *text, struct os_process *whose);
void os_proc_smaps(struct os_proc_text *text, struct os_process *whose);
void os_proc_smaps_rollup(struct os_proc_text *text, struct os_process *whose);

#endif
