/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_step.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "longwork.h"

#define NAME_MAX_LEN 32
#define LINE_WIDTH 100

/* What a frame shows. */
struct step_cell {
    uint64_t page; /* number, of the process */
    uint32_t process;
    bool used, dirty, counts;
    uint64_t uses;
};

/* A reference: what it was, and for each row whether it missed and what the frames are then. */
struct step {
    struct step_cell page;
    bool gone, writes, fetches;
    bool *missed;
    struct step_cell *cells; /* nrows times REPLAY_FRAMES_SHOWN */
};

struct replay_steps {
    const struct pgw_replay *replay;
    unsigned nrows;
    uint64_t page_size;
    struct step *steps;
    unsigned n;
    uint64_t *misses; /* of each row, so far */
    bool too_many, no_memory;
    bool processes, hexadecimal; /* how pages are to be named */
};

static struct step_cell *
step_cells(const struct step *step, unsigned row)
{
    return step->cells + (size_t)row * REPLAY_FRAMES_SHOWN;
}

static void
steps_note_row(struct replay_steps *steps, struct step *step, unsigned row)
{
    struct pgw_replay_row now = {.size = sizeof now};
    struct pgw_replay_frame frame = {.size = sizeof frame};

    if (pgw_replay_get_row(steps->replay, row, &now) != PGW_OK)
        return;
    step->missed[row] = now.misses > steps->misses[row];
    steps->misses[row] = now.misses;
    for (unsigned i = 0; i < REPLAY_FRAMES_SHOWN; i++) {
        if (pgw_replay_get_frame(steps->replay, row, i, &frame) != PGW_OK)
            break;
        step_cells(step, row)[i] = (struct step_cell){.page = frame.va / steps->page_size,
            .process = frame.process,
            .used = frame.used,
            .dirty = frame.dirty,
            .counts = frame.counts,
            .uses = frame.uses};
    }
}

static void
steps_note(void *ctx, const struct pgw_replay_step *told)
{
    struct replay_steps *steps = ctx;
    struct step *step = &steps->steps[steps->n];

    if (steps->n == REPLAY_STEPS_MAX || steps->no_memory) {
        steps->too_many = true;
        return;
    }
    step->missed = calloc(steps->nrows, sizeof *step->missed);
    step->cells = calloc((size_t)steps->nrows * REPLAY_FRAMES_SHOWN, sizeof *step->cells);
    if (step->missed == NULL || step->cells == NULL) {
        steps->no_memory = true;
        return;
    }
    step->page = (struct step_cell){
        .page = told->va / steps->page_size, .process = told->process, .used = true};
    step->gone = told->count == 0;
    step->writes = told->writes;
    step->fetches = told->kind == PGW_REF_FETCH;
    steps->processes = steps->processes || told->process != steps->steps[0].page.process;
    steps->hexadecimal = steps->hexadecimal || step->page.page > 9999;
    for (unsigned row = 0; row < steps->nrows; row++)
        steps_note_row(steps, step, row);
    steps->n++;
}

struct replay_steps *
replay_steps_watch(struct pgw_replay *replay, unsigned nrows, uint64_t page_size)
{
    struct replay_steps *steps = calloc(1, sizeof *steps);

    if (steps == NULL)
        return NULL;
    steps->replay = replay;
    steps->nrows = nrows;
    steps->page_size = page_size;
    steps->steps = calloc(REPLAY_STEPS_MAX + 1, sizeof *steps->steps);
    steps->misses = calloc(nrows, sizeof *steps->misses);
    if (steps->steps == NULL || steps->misses == NULL) {
        replay_steps_free(steps);
        return NULL;
    }
    pgw_replay_watch(replay, steps_note, steps);
    return steps;
}

void
replay_steps_free(struct replay_steps *steps)
{
    if (steps == NULL)
        return;
    for (unsigned i = 0; steps->steps != NULL && i <= REPLAY_STEPS_MAX; i++) {
        free(steps->steps[i].missed);
        free(steps->steps[i].cells);
    }
    free(steps->steps);
    free(steps->misses);
    free(steps);
}

const char *
replay_steps_wrong(const struct replay_steps *steps)
{
    struct pgw_replay_row row = {.size = sizeof row};

    if (steps->no_memory)
        return "out of memory";
    if (steps->too_many)
        return "it has more than 1000 references: --step and --quiz are for small traces; "
               "pagewright trace cut makes one";
    for (unsigned i = 0; pgw_replay_get_row(steps->replay, i, &row) == PGW_OK; i++) {
        if (row.frames > REPLAY_FRAMES_SHOWN)
            return "--step and --quiz show at most 64 frames: make --ram less, such as 4p";
    }
    return NULL;
}

/* ---- tables ---- */

/* "7", "7'" (written to), "7:1" (used once, as the policy counts), "2/7" of process 2. */
static void
step_name(const struct replay_steps *steps, const struct step_cell *cell, bool marks,
    char name[NAME_MAX_LEN])
{
    int at = 0;

    name[0] = '\0';
    if (!cell->used)
        return;
    if (steps->processes)
        at = snprintf(name, NAME_MAX_LEN, "%" PRIu32 "/", cell->process);
    at += snprintf(name + at, (size_t)(NAME_MAX_LEN - at),
        steps->hexadecimal ? "%" PRIx64 : "%" PRIu64, cell->page);
    if (marks && cell->dirty)
        at += snprintf(name + at, (size_t)(NAME_MAX_LEN - at), "'");
    if (marks && cell->counts)
        (void)snprintf(name + at, (size_t)(NAME_MAX_LEN - at), ":%" PRIu64, cell->uses);
}

static int
steps_width(const struct replay_steps *steps, unsigned row, uint64_t frames)
{
    char name[NAME_MAX_LEN];
    int width = 2;

    for (unsigned i = 0; i < steps->n; i++) {
        step_name(steps, &steps->steps[i].page, false, name);
        width = (int)strlen(name) + 1 > width ? (int)strlen(name) + 1 : width;
        for (uint64_t f = 0; f < frames; f++) {
            step_name(steps, &step_cells(&steps->steps[i], row)[f], true, name);
            width = (int)strlen(name) > width ? (int)strlen(name) : width;
        }
    }
    return width;
}

static void
steps_show_reference(const struct step *step, const char *name, int width, FILE *out)
{
    char what[NAME_MAX_LEN + 2];

    (void)snprintf(what, sizeof what, "%s%s", name,
        step->gone      ? "-"
        : step->writes  ? "w"
        : step->fetches ? "x"
                        : "");
    fprintf(out, " %*s", width, what);
}

/* References first to last - 1, of a row. */
static void
steps_show_part(const struct replay_steps *steps, unsigned row, uint64_t frames, int width,
    unsigned first, unsigned last, FILE *out)
{
    char name[NAME_MAX_LEN];

    fprintf(out, "%-9s", "page");
    for (unsigned i = first; i < last; i++) {
        step_name(steps, &steps->steps[i].page, false, name);
        steps_show_reference(&steps->steps[i], name, width, out);
    }
    for (uint64_t f = 0; f < frames; f++) {
        fprintf(out, "\nframe %-3" PRIu64, f);
        for (unsigned i = first; i < last; i++) {
            step_name(steps, &step_cells(&steps->steps[i], row)[f], true, name);
            fprintf(out, " %*s", width, name);
        }
    }
    fprintf(out, "\n%-9s", "");
    for (unsigned i = first; i < last; i++)
        fprintf(out, " %*s", width,
            steps->steps[i].gone          ? "-"
            : steps->steps[i].missed[row] ? "F"
                                          : "h");
    fprintf(out, "\n");
}

bool
replay_steps_show(const struct replay_steps *steps, FILE *out)
{
    struct pgw_replay_row row = {.size = sizeof row};

    fprintf(out, "page: w is written, x executed, - gone; in a frame ' is written to and :N the "
                 "policy's count of uses; F a fault, h a hit\n");
    for (unsigned r = 0; pgw_replay_get_row(steps->replay, r, &row) == PGW_OK; r++) {
        int width = steps_width(steps, r, row.frames);
        unsigned many = (unsigned)((LINE_WIDTH - 9) / (width + 1));
        fprintf(out, "\n%s, %" PRIu64 " frame%s: %" PRIu64 " fault%s, %" PRIu64 " hit%s\n",
            row.policy, row.frames, longwork_s(row.frames), row.misses, longwork_s(row.misses),
            row.hits, longwork_s(row.hits));
        many = many > 0 ? many : 1;
        for (unsigned first = 0; first < steps->n; first += many) {
            unsigned last = first + many < steps->n ? first + many : steps->n;
            if (first > 0)
                fprintf(out, "\n");
            steps_show_part(steps, r, row.frames, width, first, last, out);
        }
    }
    return fflush(out) == 0 && !ferror(out);
}

/* ---- the quiz ---- */

struct quiz {
    const struct replay_steps *steps;
    FILE *in, *out;
    unsigned asked, right;
    bool over; /* no more answers */
};

static bool
step_same(const struct step_cell *a, const struct step_cell *b)
{
    return a->used && b->used && a->page == b->page && a->process == b->process;
}

static bool
step_has(const struct step_cell *cells, const struct step_cell *page)
{
    for (unsigned i = 0; i < REPLAY_FRAMES_SHOWN; i++) {
        if (step_same(&cells[i], page))
            return true;
    }
    return false;
}

/* What is right: "h", "m" for a fault that takes a free frame, or the name of the page that goes.
 */
static void
quiz_answer(const struct quiz *quiz, unsigned row, unsigned i, char answer[NAME_MAX_LEN])
{
    static const struct step_cell nothing[REPLAY_FRAMES_SHOWN];
    const struct step *step = &quiz->steps->steps[i];
    const struct step_cell *before = i > 0 ? step_cells(&step[-1], row) : nothing;

    if (!step->missed[row]) {
        (void)snprintf(answer, NAME_MAX_LEN, "h");
        return;
    }
    (void)snprintf(answer, NAME_MAX_LEN, "m");
    for (unsigned f = 0; f < REPLAY_FRAMES_SHOWN; f++) {
        if (before[f].used && !step_has(step_cells(step, row), &before[f]))
            step_name(quiz->steps, &before[f], false, answer);
    }
}

static void
quiz_frames(const struct quiz *quiz, const struct step_cell *cells, uint64_t frames)
{
    char name[NAME_MAX_LEN];

    fprintf(quiz->out, "[");
    for (uint64_t f = 0; f < frames; f++) {
        step_name(quiz->steps, &cells[f], true, name);
        fprintf(quiz->out, "%s%s", f > 0 ? " " : "", name[0] != '\0' ? name : ".");
    }
    fprintf(quiz->out, "]");
}

static void
quiz_ask(struct quiz *quiz, unsigned row, unsigned i, uint64_t frames)
{
    static const struct step_cell nothing[REPLAY_FRAMES_SHOWN];
    const struct step *step = &quiz->steps->steps[i];
    char line[128], answer[NAME_MAX_LEN], name[NAME_MAX_LEN];

    step_name(quiz->steps, &step->page, false, name);
    quiz_frames(quiz, i > 0 ? step_cells(&step[-1], row) : nothing, frames);
    if (step->gone) {
        fprintf(quiz->out, " page %s is gone\n", name);
        return;
    }
    fprintf(quiz->out, " page %s%s: h(it), m(iss), or which page goes? ", name,
        step->writes ? ", written" : "");
    (void)fflush(quiz->out);
    if (fgets(line, sizeof line, quiz->in) == NULL) {
        fprintf(quiz->out, "\n");
        quiz->over = true;
        return;
    }
    line[strcspn(line, " \t\r\n")] = '\0';
    quiz_answer(quiz, row, i, answer);
    bool right = strcmp(line, answer) == 0;
    quiz->asked++;
    quiz->right += right;
    if (right)
        fprintf(quiz->out, "right\n");
    else if (answer[0] == 'h' || answer[0] == 'm')
        fprintf(quiz->out, "no: %s\n", answer[0] == 'h' ? "a hit" : "a fault, into a free frame");
    else
        fprintf(quiz->out, "no: a fault, and %s goes\n", answer);
}

bool
replay_steps_quiz(const struct replay_steps *steps, FILE *in, FILE *out)
{
    struct pgw_replay_row row = {.size = sizeof row};
    struct quiz quiz = {.steps = steps, .in = in, .out = out};

    for (unsigned r = 0; pgw_replay_get_row(steps->replay, r, &row) == PGW_OK && !quiz.over; r++) {
        fprintf(
            out, "%s, %" PRIu64 " frame%s\n", row.policy, row.frames, row.frames == 1 ? "" : "s");
        for (unsigned i = 0; i < steps->n && !quiz.over; i++)
            quiz_ask(&quiz, r, i, row.frames);
    }
    fprintf(out, "%u of %u right\n", quiz.right, quiz.asked);
    return fflush(out) == 0 && !ferror(out);
}
