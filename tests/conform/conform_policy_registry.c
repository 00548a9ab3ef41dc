/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What users may name is what the suites try: each policy of the registry has a naive twin, which
 * the suites compare it with, and each twin is a policy's that can be named.
 */
#include "api/registry.h"

#include <string.h>

#include "policy_twins.h"
#include "support/test.h"

static const struct policy_twin *
twin_with_defaults(const struct policy_ops *ops)
{
    const struct policy_twin *twin;

    for (unsigned i = 0; (twin = policy_twin_at(i)) != NULL; i++) {
        bool defaults = true;
        for (unsigned p = 0; p < POLICY_PARAMS_MAX; p++)
            defaults = defaults && twin->param[p] == 0;
        if (twin->ops == ops && defaults)
            return twin;
    }
    return NULL;
}

static void
each_policy_has_a_twin(void **state)
{
    const struct policy_ops *ops;
    unsigned i;

    (void)state;
    for (i = 0; (ops = registry_policy_at(i)) != NULL; i++) {
        const struct policy_twin *twin = twin_with_defaults(ops);
        if (twin == NULL)
            fail_msg("policy \"%s\" has no naive twin: write tests/conform/naive_%s.c, and a row "
                     "with all defaults in tests/conform/policy_twins.c",
                ops->name, ops->name);
        for (unsigned k = 0; k < i; k++) {
            if (twin->naive == twin_with_defaults(registry_policy_at(k))->naive)
                fail_msg("policies \"%s\" and \"%s\" have the same twin", ops->name,
                    registry_policy_at(k)->name);
        }
    }
    assert_true(i > 0);
}

static void
each_twin_can_be_named(void **state)
{
    const struct policy_twin *twin;

    (void)state;
    for (unsigned i = 0; (twin = policy_twin_at(i)) != NULL; i++) {
        if (registry_policy_named(twin->ops->name) != twin->ops)
            fail_msg(
                "policy \"%s\" is tested, and nobody can name it: add it to src/api/registry.c",
                twin->ops->name);
    }
}

static bool
is_tried(const struct policy_ops *ops, unsigned param)
{
    const struct policy_twin *twin;

    for (unsigned i = 0; (twin = policy_twin_at(i)) != NULL; i++) {
        if (twin->ops == ops && twin->param[param] != 0)
            return true;
    }
    return false;
}

/* A setting that a policy has is tried with more than its default. */
static void
each_setting_is_tried(void **state)
{
    const struct policy_ops *ops;

    (void)state;
    for (unsigned i = 0; (ops = registry_policy_at(i)) != NULL; i++) {
        const struct policy_param *param = ops->params;
        for (unsigned p = 0; param != NULL && p < POLICY_PARAMS_MAX && param[p].name != NULL; p++) {
            if (!is_tried(ops, p))
                fail_msg("policy \"%s\": no row of tests/conform/policy_twins.c sets \"%s\"",
                    ops->name, param[p].name);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_policy_has_a_twin),
        cmocka_unit_test(each_twin_can_be_named),
        cmocka_unit_test(each_setting_is_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
