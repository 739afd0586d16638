/*
 * budget: the moments at which most is in memory.
 *
 *   brought by the loader: its copy, and the same unpacked into rootfs by Linux
 *   mode tmpfs: the tree grows while the image, of which what was read is given back, shrinks
 *   mode overlay: the image stays, and what is written lies beside it
 */
#include "ramroot/budget.h"

#include "base/util.h"

#define PAGE    UINT64_C(4096)
#define INODE   UINT64_C(1024) /* of shmem: inode, directory entry, attributes */
#define WINDOWS (24 * MIB)     /* of decompressors, and buffers */
#define LINUX   (32 * MIB)     /* what Linux takes besides while it unpacks an initramfs */
#define RUNNING (64 * MIB)     /* what an operating system wants to start at all */

uint64_t budget_file(uint64_t size)
{
    return round_up(size, PAGE) + INODE;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void budget_compute(struct budget *budget)
{
    uint64_t loaded = 2 * budget->stage + (budget->by_loader ? 2 * budget->image : 0) + LINUX;
    uint64_t unpacking = budget->unpacked + budget->stage + WINDOWS;
    uint64_t running = budget->tmpfs ? budget->unpacked + RUNNING : budget->image + RUNNING;

    if (!budget->tmpfs)
        unpacking = budget->image + budget->stage + WINDOWS;
    budget->peak = larger(loaded, unpacking);
    budget->ram = larger(budget->peak, running);
    /* rootfs is a tmpfs of half the memory that is left beside the loader's copy, and holds image
     * and stage; of mode overlay it is a ramfs (ramroot_argument) */
    if (budget->by_loader && budget->tmpfs)
        budget->ram = larger(budget->ram, 3 * (budget->image + budget->stage));
}
