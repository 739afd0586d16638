/* json: what the commands' JSON documents share. jansson's own functions do the rest. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include "boot/request.h"

#include <jansson.h>

/* Any bytes; those that are no UTF-8 become U+FFFD. NULL becomes null. */
json_t *json_text(const char *text);
json_t *json_texts(const struct strings *strings);
/* Bytes, offsets: up to 2^63 - 1. */
json_t *json_number(uint64_t number);

/*
 * Prints a document on stdout and frees it; -1 if it could not be made, reported, or written (main
 * reports that).
 */
int json_print(json_t *document);

#endif
