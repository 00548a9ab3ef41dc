/* SPDX-License-Identifier: BSD-2-Clause */
/* The library plug.c, built as number PLUG_NUMBER: its names end in that. */
#ifndef GUEST_PLUG_H
#define GUEST_PLUG_H

#ifndef PLUG_NUMBER
#define PLUG_NUMBER 1
#endif
#define PLUG_PASTE(name, number) plug_##name##_##number
#define PLUG_EXPAND(name, number) PLUG_PASTE(name, number)
#define PLUG_NAME(name) PLUG_EXPAND(name, PLUG_NUMBER)

extern int PLUG_NAME(shared_by_name);
int PLUG_NAME(constructed)(void);
int PLUG_NAME(count)(void); /* of calls by this thread, from a hundred times the number */
const char *PLUG_NAME(describe)(void);
int PLUG_NAME(twice)(int (*function)(int), int value);

#endif
