/*
 * budget: how much memory a RAM root takes, from sizes alone. All numbers are bytes.
 */
#ifndef RAMROOT_BUDGET_H
#define RAMROOT_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
    uint64_t image; /* the root image */
    uint64_t stage; /* the first stage, unpacked */
    uint64_t
        unpacked;   /* the tree in a tmpfs: whole pages, and what the kernel keeps of each file */
    uint64_t peak;  /* most that is in memory at a time, besides the kernel */
    uint64_t ram;   /* MemTotal that is wanted at the least */
    bool by_loader; /* the loader brings the image, so that it is there twice for a moment */
    bool tmpfs;     /* mode tmpfs; else overlay */
};

/* Computes peak and ram from the other members. */
void budget_compute(struct budget *budget);
/* What one file of size bytes takes of a tmpfs. */
uint64_t budget_file(uint64_t size);

#endif
