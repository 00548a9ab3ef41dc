/* SPDX-License-Identifier: BSD-2-Clause */
#include "schema_check.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool
schema_fail(char *where, size_t len, const char *keyword, const char *detail)
{
    snprintf(where, len, "%s: %s", keyword, detail);
    return false;
}

static bool
schema_is(const char *type, const json_t *value)
{
    if (strcmp(type, "object") == 0)
        return json_is_object(value);
    if (strcmp(type, "array") == 0)
        return json_is_array(value);
    if (strcmp(type, "string") == 0)
        return json_is_string(value);
    if (strcmp(type, "integer") == 0)
        return json_is_integer(value);
    if (strcmp(type, "number") == 0)
        return json_is_number(value);
    if (strcmp(type, "boolean") == 0)
        return json_is_boolean(value);
    return strcmp(type, "null") == 0 && json_is_null(value);
}

static bool
schema_type(const json_t *types, const json_t *value)
{
    size_t i;
    json_t *type;

    if (json_is_string(types))
        return schema_is(json_string_value(types), value);
    json_array_foreach(types, i, type)
    {
        if (schema_is(json_string_value(type), value))
            return true;
    }
    return false;
}

static bool
schema_object(const json_t *schema, const json_t *value, char *where, size_t len)
{
    const json_t *properties = json_object_get(schema, "properties");
    size_t i;
    const char *key;
    json_t *each;

    if (!json_is_object(value))
        return true;
    json_array_foreach(json_object_get(schema, "required"), i, each)
    {
        if (json_object_get(value, json_string_value(each)) == NULL)
            return schema_fail(where, len, "required", json_string_value(each));
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, each)
    {
        const json_t *property = json_object_get(properties, key);
        char inner[256];
        if (property == NULL) /* a schema for all others, or false: there are none */
            property = json_object_get(schema, "additionalProperties");
        if (!json_is_object(property))
            return schema_fail(where, len, "additionalProperties", key);
        if (!schema_check(property, each, inner, sizeof inner))
            return schema_fail(where, len, key, inner);
    }
    return true;
}

static bool
schema_array(const json_t *schema, const json_t *value, char *where, size_t len)
{
    const json_t *items = json_object_get(schema, "items");
    const json_t *least = json_object_get(schema, "minItems");
    const json_t *most = json_object_get(schema, "maxItems");
    json_int_t n = (json_int_t)json_array_size(value);
    size_t i;
    json_t *each;

    if (!json_is_array(value))
        return true;
    if (least != NULL && n < json_integer_value(least))
        return schema_fail(where, len, "minItems", "too few");
    if (most != NULL && n > json_integer_value(most))
        return schema_fail(where, len, "maxItems", "too many");
    json_array_foreach(value, i, each)
    {
        if (!schema_check(items, each, where, len))
            return false;
    }
    return true;
}

static bool
schema_known(const json_t *schema, char *where, size_t len)
{
    static const char *const known[] = {"$schema", "title", "description", "type", "required",
        "additionalProperties", "properties", "items", "minItems", "maxItems", "minimum", "const"};
    const char *key;
    json_t *each;

    json_object_foreach((json_t *)(uintptr_t)schema, key, each)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            found = found || strcmp(known[i], key) == 0;
        if (!found)
            return schema_fail(where, len, "unknown keyword", key);
    }
    return true;
}

bool
schema_check(const json_t *schema, const json_t *value, char *where, size_t len)
{
    const json_t *minimum = json_object_get(schema, "minimum");
    const json_t *constant = json_object_get(schema, "const");

    if (!json_is_object(schema) || value == NULL)
        return schema_fail(where, len, "schema", "missing");
    if (!schema_known(schema, where, len))
        return false;
    if (!schema_type(json_object_get(schema, "type"), value))
        return schema_fail(where, len, "type", "wrong");
    if (minimum != NULL && json_is_number(value) &&
        json_number_value(value) < json_number_value(minimum))
        return schema_fail(where, len, "minimum", "below");
    if (constant != NULL && !json_equal(constant, value))
        return schema_fail(where, len, "const", "differs");
    return schema_object(schema, value, where, len) && schema_array(schema, value, where, len);
}
