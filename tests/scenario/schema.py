# SPDX-License-Identifier: BSD-2-Clause
"""As much of JSON Schema as docs/report.schema.json uses; an unknown keyword is an error."""

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float),
         "null": type(None), "boolean": bool}
KNOWN = {"$schema", "title", "description", "type", "required", "additionalProperties",
         "properties", "items", "minimum", "const", "minItems", "maxItems"}


def has_type(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def errors(value, schema, where="report"):
    """Every way in which value is not what schema says."""
    for keyword in set(schema) - KNOWN:
        yield f"{where}: the schema's keyword {keyword} is not known here"
    types = schema.get("type", list(TYPES))
    types = [types] if isinstance(types, str) else types
    if not any(has_type(value, name) for name in types):
        yield f"{where}: {value!r} is not {types}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{where}: {value!r} is not {schema['const']!r}"
    if "minimum" in schema and isinstance(value, (int, float)) and value < schema["minimum"]:
        yield f"{where}: {value} is below {schema['minimum']}"
    if isinstance(value, dict):
        yield from object_errors(value, schema, where)
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{where}: {len(value)} items"
        for i, item in enumerate(value):
            yield from errors(item, schema.get("items", {}), f"{where}[{i}]")


def object_errors(value, schema, where):
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{where}.{name} is missing"
    others = schema.get("additionalProperties", True)
    for name, below in value.items():
        if name in properties:
            yield from errors(below, properties[name], f"{where}.{name}")
        elif isinstance(others, dict):
            yield from errors(below, others, f"{where}.{name}")
        elif others is False:
            yield f"{where}.{name} is not in the schema"
