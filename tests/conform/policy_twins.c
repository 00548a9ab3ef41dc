/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_twins.h"

static const struct policy_twin twins[] = {
    {.ops = &policy_adaptive, .naive = &naive_adaptive},
    {.ops = &policy_adaptive, .naive = &naive_adaptive, .param = {8}},
    {.ops = &policy_aging, .naive = &naive_aging},
    {.ops = &policy_aging, .naive = &naive_aging, .param = {2}},
    {.ops = &policy_aging, .naive = &naive_aging, .param = {1024}},
    {.ops = &policy_arc, .naive = &naive_arc},
    {.ops = &policy_car, .naive = &naive_car, .bits = true},
    {.ops = &policy_clock, .naive = &naive_clock, .bits = true},
    {.ops = &policy_clock, .naive = &naive_clock, .param = {2}},
    {.ops = &policy_clock, .naive = &naive_clock, .param = {5}},
    {.ops = &policy_clockpro, .naive = &naive_clockpro},
    {.ops = &policy_fifo, .naive = &naive_fifo, .bits = true},
    {.ops = &policy_lfu, .naive = &naive_lfu},
    {.ops = &policy_lfu, .naive = &naive_lfu, .param = {2}},
    {.ops = &policy_lfu, .naive = &naive_lfu, .param = {200}},
    {.ops = &policy_lirs, .naive = &naive_lirs},
    {.ops = &policy_lirs, .naive = &naive_lirs, .param = {10}},
    {.ops = &policy_lirs, .naive = &naive_lirs, .param = {1, 30}},
    {.ops = &policy_lru, .naive = &naive_lru},
    {.ops = &policy_mglru, .naive = &naive_mglru},
    {.ops = &policy_mru, .naive = &naive_mru},
    {.ops = &policy_nru, .naive = &naive_nru},
    {.ops = &policy_pff, .naive = &naive_pff},
    {.ops = &policy_pff, .naive = &naive_pff, .param = {10}},
    {.ops = &policy_pff, .naive = &naive_pff, .param = {100}},
    {.ops = &policy_random, .naive = &naive_random, .bits = true},
    {.ops = &policy_s3fifo, .naive = &naive_s3fifo},
    {.ops = &policy_s3fifo, .naive = &naive_s3fifo, .param = {40}},
    {.ops = &policy_sieve, .naive = &naive_sieve, .bits = true},
    {.ops = &policy_slru, .naive = &naive_slru},
    {.ops = &policy_slru, .naive = &naive_slru, .param = {1}},
    {.ops = &policy_slru, .naive = &naive_slru, .param = {99}},
    {.ops = &policy_twoq, .naive = &naive_twoq},
    {.ops = &policy_twoq, .naive = &naive_twoq, .param = {1, 1}},
    {.ops = &policy_twoq, .naive = &naive_twoq, .param = {99, 200}},
    {.ops = &policy_wsclock, .naive = &naive_wsclock},
    {.ops = &policy_wsclock, .naive = &naive_wsclock, .param = {50}},
    {.ops = &policy_wsclock, .naive = &naive_wsclock, .param = {1000}},
    {.ops = &policy_wtinylfu, .naive = &naive_wtinylfu},
    {.ops = &policy_wtinylfu, .naive = &naive_wtinylfu, .param = {20}},
};

const struct policy_twin *
policy_twin_at(unsigned i)
{
    return i < sizeof twins / sizeof twins[0] ? &twins[i] : NULL;
}
