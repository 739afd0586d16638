/* spec_scan: a look at the text of a spec file before libconfuse reads it. */
#ifndef BOOT_SPEC_SCAN_H
#define BOOT_SPEC_SCAN_H

/* Makes comments blank, and refuses what libconfuse would let pass; -1, reported as "FILE:LINE:
 * ...". */
int spec_scan(const char *path, char *text);

#endif
