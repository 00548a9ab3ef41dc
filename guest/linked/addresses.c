/* SPDX-License-Identifier: BSD-2-Clause */
/* Where things are, one line each: for tests of address-space randomisation. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

static int data = 1;

int
main(void)
{
    int here = 0;
    void *heap = sbrk(0);
    char *mapping = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    mapping[5] = 1;
    here += mapping[5] + data;
    if (sbrk(100000) != (void *)-1) /* where all is one piece of RAM, there may be no room */
        ((char *)heap)[99999] = (char)here;
    printf("program %p\nheap %p\nmapping %p\nstack %p\ninterpreter %#lx\n", (void *)&data, heap,
        (void *)mapping, (void *)&here, getauxval(AT_BASE));
    return 0;
}
