/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Memory that is there or the program ends: every size is bounded before it is asked for. */

#include <stddef.h>

/* size bytes, not cleared; aborts when there are none. Free with free(). */
void *memory_allocate(size_t size) __attribute__((malloc, returns_nonnull));
/* count × size bytes, cleared; aborts on overflow and when there are none. */
void *memory_allocate_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* As realloc for count × size bytes; aborts instead of failing. */
void *memory_resize(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));
/* A copy of text; free with free(). */
char *memory_copy_text(const char *text) __attribute__((malloc, returns_nonnull));
/* A formatted text; free with free(). */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/*
 * For a service that has as much to do in the next second as in this one: what was freed stays with
 * the process for what is allocated next, up to some megabytes in each thread's heap. glibc would
 * give it back and have the kernel clear it page by page again, which costs a request whose body
 * has 100 KB more than reading it does. Before there is a second thread.
 */
void memory_keep_freed(void);

/* Frees *(void **)pointer; for the cleanup attribute: `_cleanup_free_ char *name = NULL;` */
void memory_free_pointer(void *pointer);
#define _cleanup_free_ __attribute__((cleanup(memory_free_pointer)))

/* Moves a pointer out of a variable that would otherwise free it: `return memory_steal(&host);` */
#define memory_steal(pointer)                        \
    __extension__({                                  \
        __typeof__(*(pointer)) stolen_ = *(pointer); \
        *(pointer) = NULL;                           \
        stolen_;                                     \
    })
