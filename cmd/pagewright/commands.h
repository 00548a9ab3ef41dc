/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands.  Each gets its own arguments, argv[0] being "pagewright NAME", and returns
 * the exit code. */
#ifndef PAGEWRIGHT_COMMANDS_H
#define PAGEWRIGHT_COMMANDS_H

/* Exit codes of our own, as env(1) and timeout(1) have them. */
#define EXIT_DAMAGED 1      /* a part of a trace is damaged, and was left out */
#define EXIT_OURS 125       /* we failed: bad options, no swap file, no RAM */
#define EXIT_CANNOT_RUN 126 /* the program is there and cannot be run */
#define EXIT_NOT_FOUND 127  /* the program is not there */

int command_run(int argc, char **argv);
int command_record(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_mmus(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_mrc(int argc, char **argv);
int command_shell(int argc, char **argv);
int command_script(int argc, char **argv);
int command_trace(int argc, char **argv);
int command_translate(int argc, char **argv);
int command_wss(int argc, char **argv);

#endif
