/* SPDX-License-Identifier: BSD-2-Clause */
/* A small Lisp: reader, evaluator with closures, printer; no collector, so that its heap is one
 * long walk over fresh memory.  It runs the programs below. */
#include <ctype.h>
#include <string.h>

#include "guest.h"

enum kind { NUMBER, SYMBOL, PAIR, CLOSURE, BUILTIN };

struct cell {
    enum kind kind;
    union {
        long number;
        char name[16];
        struct {
            struct cell *head, *tail;
        } pair;
        struct {
            struct cell *code, *env; /* code: ((params) body) */
        } closure;
        struct cell *(*builtin)(struct cell *args);
    };
};

static struct cell *symbols, *truth, *quote, *lambda, *choose;
static const char *text;
static uint64_t cells;

static struct cell *
make(enum kind kind)
{
    static struct cell *room;
    static size_t left;
    if (left == 0) {
        left = 1000;
        room = malloc(left * sizeof *room);
        GUEST_CHECK(room != NULL);
    }
    cells++;
    left--;
    room->kind = kind;
    return room++;
}

static struct cell *
cons(struct cell *head, struct cell *tail)
{
    struct cell *c = make(PAIR);
    c->pair.head = head;
    c->pair.tail = tail;
    return c;
}

static struct cell *
number(long n)
{
    struct cell *c = make(NUMBER);
    c->number = n;
    return c;
}

static struct cell *
symbol(const char *name, size_t len)
{
    for (struct cell *s = symbols; s != NULL; s = s->pair.tail) {
        if (strlen(s->pair.head->name) == len && memcmp(s->pair.head->name, name, len) == 0)
            return s->pair.head;
    }
    struct cell *c = make(SYMBOL);
    snprintf(c->name, sizeof c->name, "%.*s", (int)len, name);
    symbols = cons(c, symbols);
    return c;
}

static struct cell *read_form(void);

static struct cell *
read_list(void)
{
    while (isspace((unsigned char)*text))
        text++;
    if (*text == ')') {
        text++;
        return NULL;
    }
    struct cell *head = read_form();
    return cons(head, read_list());
}

static struct cell *
read_form(void)
{
    while (isspace((unsigned char)*text))
        text++;
    if (*text == '(') {
        text++;
        return read_list();
    }
    if (*text == '\'') {
        text++;
        return cons(quote, cons(read_form(), NULL));
    }
    if (isdigit((unsigned char)*text))
        return number(strtol(text, (char **)&text, 10));
    size_t len = strcspn(text, " ()\n");
    text += len;
    return symbol(text - len, len);
}

static void
print(const struct cell *c)
{
    if (c == NULL) {
        printf("()");
    } else if (c->kind == NUMBER) {
        printf("%ld", c->number);
    } else if (c->kind == SYMBOL) {
        printf("%s", c->name);
    } else if (c->kind == PAIR) {
        for (const char *before = "("; c != NULL; c = c->pair.tail, before = " ") {
            printf("%s", before);
            print(c->pair.head);
        }
        printf(")");
    } else {
        printf("#function");
    }
}

static struct cell *eval(struct cell *form, struct cell *env);

static struct cell *
look_up(const struct cell *name, struct cell *env)
{
    for (; env != NULL; env = env->pair.tail) {
        if (env->pair.head->pair.head == name)
            return env->pair.head;
    }
    printf("unbound: %s\n", name->name);
    exit(1);
}

static struct cell *
eval_all(struct cell *forms, struct cell *env)
{
    if (forms == NULL)
        return NULL;
    struct cell *head = eval(forms->pair.head, env);
    return cons(head, eval_all(forms->pair.tail, env));
}

static struct cell *
apply(struct cell *f, struct cell *args)
{
    if (f->kind == BUILTIN)
        return f->builtin(args);
    GUEST_CHECK(f->kind == CLOSURE);
    struct cell *env = f->closure.env;
    for (struct cell *p = f->closure.code->pair.head; p != NULL; p = p->pair.tail) {
        env = cons(cons(p->pair.head, args->pair.head), env);
        args = args->pair.tail;
    }
    return eval(f->closure.code->pair.tail->pair.head, env);
}

static struct cell *
eval(struct cell *form, struct cell *env)
{
    if (form == NULL || form->kind == NUMBER)
        return form;
    if (form->kind == SYMBOL)
        return look_up(form, env)->pair.tail;
    struct cell *head = form->pair.head, *rest = form->pair.tail;
    if (head == quote)
        return rest->pair.head;
    if (head == choose) {
        int yes = eval(rest->pair.head, env) != NULL;
        rest = rest->pair.tail;
        return eval(yes ? rest->pair.head : rest->pair.tail->pair.head, env);
    }
    if (head == lambda) {
        struct cell *c = make(CLOSURE);
        c->closure.code = rest;
        c->closure.env = env;
        return c;
    }
    struct cell *f = eval(head, env);
    return apply(f, eval_all(rest, env));
}

static struct cell *
do_add(struct cell *a)
{
    return number(a->pair.head->number + a->pair.tail->pair.head->number);
}

static struct cell *
do_subtract(struct cell *a)
{
    return number(a->pair.head->number - a->pair.tail->pair.head->number);
}

static struct cell *
do_multiply(struct cell *a)
{
    return number(a->pair.head->number * a->pair.tail->pair.head->number);
}

static struct cell *
do_less(struct cell *a)
{
    return a->pair.head->number < a->pair.tail->pair.head->number ? truth : NULL;
}

static struct cell *
do_cons(struct cell *a)
{
    return cons(a->pair.head, a->pair.tail->pair.head);
}

static struct cell *
do_car(struct cell *a)
{
    return a->pair.head->pair.head;
}

static struct cell *
do_cdr(struct cell *a)
{
    return a->pair.head->pair.tail;
}

static const struct {
    const char *name;
    struct cell *(*function)(struct cell *args);
} builtins[] = {
    {"+", do_add},
    {"-", do_subtract},
    {"*", do_multiply},
    {"<", do_less},
    {"cons", do_cons},
    {"car", do_car},
    {"cdr", do_cdr},
};

/* Each pair: a name and what it becomes in the world that later ones see (a closure sees itself
 * because its binding is made first). */
static const char *const program[] = {
    "fib",
    "(lambda (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))",
    "range",
    "(lambda (a b) (if (< a b) (cons a (range (+ a 1) b)) ()))",
    "map",
    "(lambda (f l) (if l (cons (f (car l)) (map f (cdr l))) ()))",
    "fold",
    "(lambda (f z l) (if l (fold f (f z (car l)) (cdr l)) z))",
    "keep",
    "(lambda (p l) (if l (if (p (car l)) (cons (car l) (keep p (cdr l)))"
    " (keep p (cdr l))) ()))",
    "append",
    "(lambda (a b) (if a (cons (car a) (append (cdr a) b)) b))",
    "sort",
    "(lambda (l) (if l (append (sort (keep (lambda (x) (< x (car l))) (cdr l)))"
    " (cons (car l) (sort (keep (lambda (x) (if (< x (car l)) () 't)) (cdr l))))) ()))",
    "adder",
    "(lambda (n) (lambda (x) (+ x n)))",
};

static const char *const questions[] = {
    "(fib 16)",
    "(map (lambda (x) (* x x)) (range 1 12))",
    "(fold + 0 (map (adder 7) (range 0 300)))",
    "(sort '(31 4 15 92 65 35 89 79 32 38 46 26 43 3))",
    "(car (cdr '(one two three)))",
    "(fold (lambda (a b) (+ (* a 3) b)) 1 (sort (map (lambda (x) (- 500 x)) (range 0 80))))",
};

int
main(void)
{
    truth = symbol("t", 1);
    quote = symbol("quote", 5);
    lambda = symbol("lambda", 6);
    choose = symbol("if", 2);
    struct cell *env = cons(cons(truth, truth), NULL);
    for (size_t i = 0; i < sizeof builtins / sizeof builtins[0]; i++) {
        struct cell *f = make(BUILTIN);
        f->builtin = builtins[i].function;
        env = cons(cons(symbol(builtins[i].name, strlen(builtins[i].name)), f), env);
    }
    for (size_t i = 0; i < sizeof program / sizeof program[0]; i += 2) {
        struct cell *binding = cons(symbol(program[i], strlen(program[i])), NULL);
        env = cons(binding, env);
        text = program[i + 1];
        binding->pair.tail = eval(read_form(), env);
    }
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        text = questions[i];
        print(eval(read_form(), env));
        puts("");
    }
    printf("%lu cells\n", cells);
    return 0;
}
