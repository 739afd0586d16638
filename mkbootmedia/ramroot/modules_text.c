/*
 * modules_text: modules.dep and modules.alias for modprobe of BusyBox, which reads depmod's text
 * files (kmod's reads only their binary form).
 *
 *   modules.dep    kernel/a.ko: kernel/b.ko kernel/c.ko    c is loaded first, then b, then a
 *   modules.alias  alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci
 */
#include "ramroot/modules_private.h"

#include <stdlib.h>

static int compare_name(const void *key, const void *element)
{
    return strcmp(key, ((const struct module *)element)->name);
}

/* Modules in the order in which they have to be loaded. */
struct order {
    const struct modules *modules;
    size_t *list; /* numbers of modules */
    size_t count;
    bool *seen; /* by number */
};

static void add_order(struct order *order, const char *name)
{
    const struct modules *modules = order->modules;
    const struct module *module =
        bsearch(name, modules->list, modules->count, sizeof *modules->list, compare_name);
    size_t number;

    if (!module)
        return;
    number = (size_t)(module - modules->list);
    if (order->seen[number])
        return;
    order->seen[number] = true;
    for (size_t i = 0; i < module->needs.n; i++)
        add_order(order, module->needs.v[i]);
    order->list[order->count++] = number;
}

/* What is loaded last stands first: the module itself, then what it needs. */
static void put_line(struct order *order, const struct module *module, struct buf *out)
{
    order->count = 0;
    memset(order->seen, 0, order->modules->count);
    add_order(order, module->name);
    buf_printf(out, "%s:", module->path);
    for (size_t i = order->count - 1; i-- > 0;)
        buf_printf(out, " %s", order->modules->list[order->list[i]].path);
    buf_puts(out, "\n");
}

void modules_dep(const struct modules *modules, struct buf *out)
{
    struct order order = {
        .modules = modules,
        .list = xcalloc(modules->count + 1, sizeof *order.list),
        .seen = xcalloc(modules->count + 1, sizeof *order.seen),
    };

    for (size_t i = 0; i < modules->count; i++)
        put_line(&order, &modules->list[i], out);
    free(order.list);
    free(order.seen);
}

/* BusyBox makes '_' of each '-', in ranges too: "[0-3]" becomes "[0123]". */
static void put_alias(const char *alias, const char *name, struct buf *out)
{
    bool set = false;

    buf_puts(out, "alias ");
    for (const char *at = alias; *at; at++) {
        set = *at == '[' || (set && *at != ']');
        if (set && *at == '-' && at > alias && at[-1] < at[1])
            for (char c = (char)(at[-1] + 1); c < at[1]; c++)
                buf_add(out, &c, 1);
        else
            buf_add(out, at, 1);
    }
    buf_printf(out, " %s\n", name);
}

void modules_alias(const struct modules *modules, struct buf *out)
{
    for (size_t i = 0; i < modules->count; i++) {
        const struct module *module = &modules->list[i];

        for (size_t k = 0; k < module->aliases.n; k++)
            put_alias(module->aliases.v[k], module->name, out);
    }
}
