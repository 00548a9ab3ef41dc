/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What valgrind --tool=lackey --trace-mem=yes writes:
 *
 *      I  04025310,3        an instruction, its address in hexadecimal and its length
 *       L 1ffeffe7e8,8      a load, a store, both in one instruction
 *       S 1ffeffe7e8,8
 *       M 1ffeffe7e8,4
 *
 * Lines of valgrind's that begin with == or -- are passed over.  What lackey cannot say, "trace
 * cat" does in lines that begin with @ (processes and events) and behind a reference (runs):
 *
 *      @ process 2          of which the lines after it are; at first 1
 *      @ map 0x10000 0x2000 rws    address, length, rights, s: shared
 *      @ unmap, discard 0x10000 0x2000;  @ protect 0x10000 0x2000 r-;  @ move FROM LENGTH TO
 *      @ fork 3;  @ exec /bin/true;  @ exit
 *       L 04025000,0 *17 w3 f2     a run of 17 references, of which 3 write and 2 fetch
 */
#include "trace/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "trace/ownform.h"
#include "trace/trace_fold.h"

struct lackey {
    uint32_t process;
    struct pgw_event event;
    char text[OWN_TEXT_MAX];
};

/* How an event's line goes on: a for an address or a length, p for rights, n for a number, t for
 * text. */
static const struct lackey_verb {
    const char *name, *rest;
    enum pgw_event_kind kind;
} lackey_verbs[] = {
    {"map", "aap", PGW_EVENT_MAP},
    {"unmap", "aa", PGW_EVENT_UNMAP},
    {"protect", "aap", PGW_EVENT_PROTECT},
    {"move", "aaa", PGW_EVENT_MOVE},
    {"discard", "aa", PGW_EVENT_DISCARD},
    {"fork", "n", PGW_EVENT_FORK},
    {"exec", "t", PGW_EVENT_EXEC},
    {"exit", "", PGW_EVENT_EXIT},
};

static bool
lackey_address(const char **at, uint64_t *value)
{
    trace_blanks(at);
    if ((*at)[0] != '0' || (*at)[1] != 'x')
        return false;
    *at += 2;
    return trace_number(at, true, value);
}

static bool
lackey_rights(const char **at, uint32_t *prot)
{
    static const char letters[] = "rwxs";

    trace_blanks(at);
    for (; **at != '\0' && **at != ' '; (*at)++) {
        const char *letter = strchr(letters, **at);
        if (letter != NULL)
            *prot |= 1u << (letter - letters);
        else if (**at != '-')
            return false;
    }
    return true;
}

static bool
lackey_rest(struct lackey *lackey, const char *rest, const char *at)
{
    struct pgw_event *event = &lackey->event;
    uint64_t *const address[] = {&event->va, &event->len, &event->other};
    bool good = true;

    for (unsigned i = 0; good && rest[i] != '\0'; i++) {
        switch (rest[i]) {
        case 'a':
            good = lackey_address(&at, address[i]);
            break;
        case 'p':
            good = lackey_rights(&at, &event->prot);
            break;
        case 'n':
            trace_blanks(&at);
            good = trace_number(&at, false, &event->other) && event->other <= UINT32_MAX;
            break;
        default:
            trace_blanks(&at);
            event->text = strncpy(lackey->text, at, sizeof lackey->text - 1);
            at += strlen(at);
            break;
        }
    }
    trace_blanks(&at);
    return good && *at == '\0';
}

enum lackey_line { LACKEY_NOTHING, LACKEY_REF, LACKEY_EVENT, LACKEY_WRONG };

/* "@ ..." */
static enum lackey_line
lackey_directive(struct lackey *lackey, const char *at)
{
    uint64_t number;
    size_t len;

    trace_blanks(&at);
    len = strcspn(at, " \t");
    if (len == 7 && memcmp(at, "process", 7) == 0) {
        at += len;
        trace_blanks(&at);
        if (!trace_number(&at, false, &number) || number > UINT32_MAX || *at != '\0')
            return LACKEY_WRONG;
        lackey->process = (uint32_t)number;
        return LACKEY_NOTHING;
    }
    for (size_t i = 0; i < sizeof lackey_verbs / sizeof lackey_verbs[0]; i++) {
        const struct lackey_verb *verb = &lackey_verbs[i];
        if (strlen(verb->name) != len || memcmp(at, verb->name, len) != 0)
            continue;
        lackey->event = (struct pgw_event){.kind = verb->kind, .process = lackey->process};
        return lackey_rest(lackey, verb->rest, at + len) ? LACKEY_EVENT : LACKEY_WRONG;
    }
    return LACKEY_WRONG;
}

/* " *17 w3 f2", or nothing. */
static bool
lackey_run(const char *at, struct pgw_ref *ref)
{
    uint64_t count, writes, fetches;

    trace_blanks(&at);
    if (*at == '\0')
        return true;
    if (*at++ != '*' || !trace_number(&at, false, &count) || at[0] != ' ' || at[1] != 'w')
        return false;
    at += 2;
    if (!trace_number(&at, false, &writes) || at[0] != ' ' || at[1] != 'f')
        return false;
    at += 2;
    if (!trace_number(&at, false, &fetches) || *at != '\0' || count < 2 || count > UINT16_MAX ||
        writes > count || fetches > count - writes || ref->size != 0 || ref->va % PAGE_SIZE != 0)
        return false;
    ref->count = (uint16_t)count;
    ref->writes = (uint16_t)writes;
    ref->fetches = (uint16_t)fetches;
    return true;
}

static bool
lackey_ref(const char *line, struct pgw_ref *ref, uint64_t *size)
{
    static const char letters[] = "LSMI";
    static const uint8_t kinds[] = {
        PGW_REF_READ, PGW_REF_WRITE, PGW_REF_READ | PGW_REF_WRITE, PGW_REF_FETCH};
    const char *at = line, *letter;

    trace_blanks(&at);
    if (*at == '\0' || (letter = strchr(letters, *at)) == NULL)
        return false;
    *ref = (struct pgw_ref){.kind = kinds[letter - letters]};
    trace_fold_single(ref);
    at++;
    trace_blanks(&at);
    if (!trace_number(&at, true, &ref->va) || *at++ != ',' || !trace_number(&at, false, size))
        return false;
    ref->size = *size > 0;
    return lackey_run(at, ref);
}

static enum lackey_line
lackey_line(struct lackey *lackey, const char *line, struct pgw_ref *ref, uint64_t *size)
{
    if (line[0] == '\0' || (line[0] == '=' && line[1] == '=') || (line[0] == '-' && line[1] == '-'))
        return LACKEY_NOTHING;
    if (line[0] == '@')
        return lackey_directive(lackey, line + 1);
    return lackey_ref(line, ref, size) ? LACKEY_REF : LACKEY_WRONG;
}

static bool
lackey_recognise(const uint8_t *bytes, size_t n, bool text)
{
    char line[128];
    struct pgw_ref ref;
    uint64_t size;

    while (text && n > 0) {
        const uint8_t *end = memchr(bytes, '\n', n);
        size_t len = end != NULL ? (size_t)(end - bytes) : n;
        size_t kept = len < sizeof line ? len : sizeof line - 1;
        memcpy(line, bytes, kept);
        line[kept > 0 && line[kept - 1] == '\r' ? kept - 1 : kept] = '\0';
        if (line[0] == '@' && (line[1] == ' ' || line[1] == '\t'))
            return true;
        if (line[0] != '\0' && memcmp(line, "==", 2) != 0 && memcmp(line, "--", 2) != 0)
            return lackey_ref(line, &ref, &size);
        if (end == NULL)
            return line[0] == '=';
        bytes += len + 1;
        n -= len + 1;
    }
    return false;
}

static enum pgw_status
lackey_open(struct pgw_trace *trace)
{
    enum pgw_status status = trace_make_own(trace, sizeof(struct lackey));

    if (status == PGW_OK)
        ((struct lackey *)trace->own)->process = 1;
    return status;
}

/* Hands out a reference; only one whose length is absurd does not fit. */
static enum pgw_status
lackey_take(struct pgw_trace *trace, struct pgw_trace_batch *batch, const struct pgw_ref *ref,
    uint64_t size)
{
    uint32_t process = ((struct lackey *)trace->own)->process;

    if (ref->count > 1) {
        trace->refs[batch->nrefs] = *ref;
        trace->refs[batch->nrefs++].process = process;
        return PGW_OK;
    }
    if (trace_emit(trace, &batch->nrefs, ref->va, size, ref->kind, process))
        return PGW_OK;
    return trace_bad_line(trace, "more than 16M in one reference");
}

static enum pgw_status
lackey_next(struct pgw_trace *trace, struct pgw_trace_batch *batch)
{
    struct lackey *lackey = trace->own;
    enum pgw_status status = PGW_OK;
    struct pgw_ref ref;
    uint64_t size;
    char *line;
    size_t len;

    while (status == PGW_OK && batch->nrefs < TRACE_BATCH && batch->event == NULL) {
        line = trace_line(trace, &len);
        if (line == NULL) {
            batch->end = true;
            break;
        }
        switch (lackey_line(lackey, line, &ref, &size)) {
        case LACKEY_REF:
            status = lackey_take(trace, batch, &ref, size);
            break;
        case LACKEY_EVENT:
            batch->event = &lackey->event;
            break;
        case LACKEY_WRONG:
            status = trace_bad_line(
                trace, "expected lackey's \"I  ADDRESS,BYTES\" or \" L ADDRESS,BYTES\" (or S, M)");
            break;
        default:
            break;
        }
    }
    return status;
}

const struct trace_format_ops trace_lackey = {.format = PGW_TRACE_LACKEY,
    .name = "lackey",
    .recognise = lackey_recognise,
    .open = lackey_open,
    .next = lackey_next};
