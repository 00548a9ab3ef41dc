/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An SQL workload on an in-memory SQLite database: a shop's customers, orders and their texts.
 *
 *     workload [MIB [ROUNDS]]
 *
 * The database is filled until it holds MIB MiB (40), then queried and changed ROUNDS times (1).
 * The output is the same on every machine: short results in full, long ones as a checksum.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sqlite3.h"

static uint64_t state = 42;

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t
random_number(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void
need(sqlite3 *db, int got, int wanted)
{
    if (got == wanted)
        return;
    printf("SQLite: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static void
run(sqlite3 *db, const char *sql)
{
    need(db, sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static sqlite3_stmt *
prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    need(db, sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    return stmt;
}

static int64_t
one_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = prepare(db, sql);
    need(db, sqlite3_step(stmt), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static const char *const stock[] = {"amber", "barrel", "copper", "dusty", "early", "fallen",
    "gentle", "hollow", "iron", "jolly", "kettle", "lively", "mossy", "narrow", "oaken", "paper",
    "quiet", "rusty", "silver", "tidy", "upper", "velvet", "woolen", "yellow"};

/* Some words, each with a number below 1000: every text differs. */
static const char *
make_text(unsigned words)
{
    static char text[1000];
    char *at = text;
    for (unsigned i = 0; i < words && at < text + sizeof text - 40; i++) {
        uint64_t r = random_number();
        unsigned number = (unsigned)(r >> 40) % 1000;
        for (const char *p = stock[r % (sizeof stock / sizeof stock[0])]; *p != 0; p++)
            *at++ = *p;
        *at++ = '-';
        *at++ = (char)('0' + number / 100);
        *at++ = (char)('0' + number / 10 % 10);
        *at++ = (char)('0' + number % 10);
        *at++ = ' ';
    }
    at[-1] = 0;
    return text;
}

static const char schema[] =
    "CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, city INTEGER, credit REAL);"
    "CREATE TABLE purchase(id INTEGER PRIMARY KEY, customer INTEGER, day INTEGER, cents INTEGER,"
    " note TEXT);"
    "CREATE TABLE ledger(city INTEGER PRIMARY KEY, cents INTEGER NOT NULL);"
    "CREATE INDEX customer_city ON customer(city, name);"
    "CREATE INDEX purchase_customer ON purchase(customer, day);"
    "CREATE INDEX purchase_cents ON purchase(cents);"
    "CREATE TRIGGER keep_ledger AFTER DELETE ON purchase BEGIN"
    " UPDATE ledger SET cents = cents - old.cents"
    " WHERE city = (SELECT city FROM customer WHERE id = old.customer); END;";

static void
add_customers(sqlite3 *db, int64_t from, int64_t to)
{
    sqlite3_stmt *stmt = prepare(db, "INSERT INTO customer VALUES(?, ?, ?, ?)");
    for (int64_t id = from; id < to; id++) {
        sqlite3_bind_int64(stmt, 1, id);
        sqlite3_bind_text(stmt, 2, make_text(2), -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(stmt, 3, (int64_t)(random_number() % 40));
        sqlite3_bind_double(stmt, 4, (double)(random_number() % 100000) / 64);
        need(db, sqlite3_step(stmt), SQLITE_DONE);
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
}

static void
add_purchases(sqlite3 *db, int64_t from, int64_t to, int64_t customers)
{
    sqlite3_stmt *stmt = prepare(db, "INSERT INTO purchase VALUES(?, ?, ?, ?, ?)");
    for (int64_t id = from; id < to; id++) {
        sqlite3_bind_int64(stmt, 1, id);
        sqlite3_bind_int64(stmt, 2, (int64_t)(random_number() % (uint64_t)customers));
        sqlite3_bind_int64(stmt, 3, (int64_t)(random_number() % 365));
        sqlite3_bind_int64(stmt, 4, (int64_t)(random_number() % 1000000));
        sqlite3_bind_text(
            stmt, 5, make_text(3 + (unsigned)(random_number() % 24)), -1, SQLITE_TRANSIENT);
        need(db, sqlite3_step(stmt), SQLITE_DONE);
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
}

static int64_t
bytes_of(sqlite3 *db)
{
    return one_number(db, "PRAGMA page_count") * one_number(db, "PRAGMA page_size");
}

static void
fill(sqlite3 *db, int64_t mib)
{
    int64_t customers = 0, purchases = 0;
    run(db, schema);
    while (bytes_of(db) < mib << 20) {
        run(db, "BEGIN");
        add_customers(db, customers, customers + 250);
        customers += 250;
        add_purchases(db, purchases, purchases + 2000, customers);
        purchases += 2000;
        run(db, "COMMIT");
    }
    run(db, "INSERT INTO ledger SELECT city, sum(cents) FROM customer JOIN purchase"
            " ON purchase.customer = customer.id GROUP BY city");
    printf("filled: %lld customers, %lld purchases, %lld MiB\n", (long long)customers,
        (long long)purchases, (long long)(bytes_of(db) >> 20));
}

/* Prints up to eight rows and folds all of them into a checksum. */
static void
query(sqlite3 *db, const char *title, const char *sql)
{
    sqlite3_stmt *stmt = prepare(db, sql);
    uint64_t sum = 0xcbf29ce484222325u;
    long rows = 0;
    int got;
    printf("-- %s\n", title);
    for (; (got = sqlite3_step(stmt)) == SQLITE_ROW; rows++) {
        for (int c = 0; c < sqlite3_column_count(stmt); c++) {
            const char *text = (const char *)sqlite3_column_text(stmt, c);
            text = text == NULL ? "null" : text;
            for (const char *p = text; *p != 0; p++)
                sum = (sum ^ (unsigned char)*p) * 0x100000001b3u;
            if (rows < 8)
                printf("%s%.60s", c == 0 ? "   " : " | ", text);
        }
        if (rows < 8)
            puts("");
    }
    need(db, got, SQLITE_DONE);
    printf("   %ld rows, sum %016llx\n", rows, (unsigned long long)sum);
    sqlite3_finalize(stmt);
}

/* Reads that jump about: each looks up one customer's purchases through the index. */
static void
look_up(sqlite3 *db, int64_t times)
{
    int64_t customers = one_number(db, "SELECT count(*) FROM customer"), total = 0;
    sqlite3_stmt *stmt = prepare(db, "SELECT sum(cents), sum(length(note)) FROM purchase"
                                     " WHERE customer = ? AND day BETWEEN ? AND ?");
    for (int64_t i = 0; i < times; i++) {
        int64_t day = (int64_t)(random_number() % 300);
        sqlite3_bind_int64(stmt, 1, (int64_t)(random_number() % (uint64_t)customers));
        sqlite3_bind_int64(stmt, 2, day);
        sqlite3_bind_int64(stmt, 3, day + 60);
        need(db, sqlite3_step(stmt), SQLITE_ROW);
        total += sqlite3_column_int64(stmt, 0) ^ sqlite3_column_int64(stmt, 1);
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    printf("-- %lld look-ups, sum %lld\n", (long long)times, (long long)total);
}

static void
work(sqlite3 *db, int64_t lookups)
{
    query(db, "turnover of each city",
        "SELECT city, count(*), sum(cents), avg(length(note)), max(credit) FROM customer"
        " JOIN purchase ON purchase.customer = customer.id GROUP BY city ORDER BY 3 DESC");
    look_up(db, lookups);
    query(db, "notes that name two things",
        "SELECT id, substr(note, 1, 40) FROM purchase WHERE note LIKE 'velvet-%kettle-7%'"
        " ORDER BY upper(note) LIMIT 500");
    run(db, "UPDATE purchase SET cents = cents * 3 / 2, note = note || ' (raised)'"
            " WHERE cents BETWEEN 300000 AND 330000");
    run(db, "UPDATE customer SET credit = credit + (SELECT coalesce(sum(cents), 0) / 100.0"
            " FROM purchase WHERE customer = customer.id AND day < 30) WHERE city % 5 = 2");
    run(db, "DELETE FROM purchase WHERE id % 37 = 5 AND day > 180");
    query(db, "best three of each city",
        "SELECT city, name, place, total FROM (SELECT city, name, total,"
        " rank() OVER (PARTITION BY city ORDER BY total DESC, customer.id) AS place FROM customer"
        " JOIN (SELECT customer, sum(cents) AS total FROM purchase GROUP BY customer) AS t"
        " ON t.customer = customer.id) WHERE place <= 3 ORDER BY city, place");
    query(db, "turnover by week",
        "WITH RECURSIVE week(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM week WHERE n < 51)"
        " SELECT n, (SELECT count(*) FROM purchase WHERE day / 7 = n AND cents < 9000) FROM week");
    query(db, "ledger", "SELECT city, cents FROM ledger ORDER BY cents");
}

int
main(int argc, char **argv)
{
    int64_t mib = argc > 1 ? strtoll(argv[1], NULL, 10) : 40;
    long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 1;
    sqlite3 *db;
    printf("SQLite %s\n", sqlite3_libversion());
    need(NULL, sqlite3_open(":memory:", &db), SQLITE_OK);
    fill(db, mib);
    for (long i = 0; i < rounds; i++)
        work(db, mib * 50);
    query(db, "every byte of it",
        "SELECT p.id, customer, day, cents, note, name FROM purchase p, customer c"
        " WHERE c.id = p.customer ORDER BY p.id");
    query(db, "structure", "PRAGMA integrity_check");
    sqlite3_close(db);
    return 0;
}
