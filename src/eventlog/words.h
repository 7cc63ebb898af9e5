/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Events in words, for people: "Secure Boot on", "separator", "started an image, sha256 5fa1…". */

#include "eventlog/eventlog.h"

#define EVENTLOG_WORDS_SIZE 320

/*
 * What the log's event of that index says, one line of printable text with its NUL, no full stop.
 * Data that its digest in the bank of algorithm does not cover is a hint only, and marked as such
 * ("claims to be …"). Returns text.
 */
char *eventlog_words(char text[EVENTLOG_WORDS_SIZE], const struct eventlog *log, uint32_t index,
                     enum digest_algorithm algorithm);
