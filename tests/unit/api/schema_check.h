/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks a JSON value against the part of JSON Schema that docs/report.schema.json uses. */
#ifndef TESTS_SCHEMA_CHECK_H
#define TESTS_SCHEMA_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* On false, where (len bytes) says which value broke which keyword.  A keyword of the schema
 * that is not known breaks too: the check never passes what it did not look at. */
bool schema_check(const json_t *schema, const json_t *value, char *where, size_t len);

#endif
