/*
 * quote: a text that came from outside, made harmless in the language of a boot loader. The one
 * place where that is done; payload has refused control characters and bytes that are no UTF-8.
 */
#ifndef BOOT_QUOTE_H
#define BOOT_QUOTE_H

#include "base/util.h"

/* As one word of GRUB's script language, whatever it holds: 'it'\''s'. */
void quote_grub(struct buf *out, const char *text);

/*
 * As the value of an iPXE setting of type uristring: %-escapes (RFC 3986) for all but plain
 * characters. iPXE's scripts have no quotes: blanks part words, and the words ||, && and ; as well
 * as one that begins with # end a command. Only what a setting holds is free of that, for iPXE
 * splits a line before it puts settings in; ${name:string} is then one word, whatever it holds.
 */
void quote_ipxe(struct buf *out, const char *text);
/* NULL, or why not even a setting could hold it: iPXE looks for settings in what it has put in. */
const char *quote_ipxe_check(const char *text);

/*
 * One word of the kernel's command line, as lib/cmdline.c of Linux reads it: a="b c". Words hold no
 * double quotes (payload_split).
 */
void quote_kernel_word(struct buf *out, const char *word);

#endif
