/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A VM file on disk, and its last known good copy beside it (FILE.last-good).
 *
 * Who changes one holds a lock on it from reading to writing, so that two unlocks follow each other
 * instead of losing one another's new protector. Each write replaces a whole file atomically: first
 * FILE.last-good by the bytes that were read (and have just proved good), then FILE. A crash at any
 * moment leaves FILE as it was or as it should become; both unlock. The copy stands beside the file
 * and not in it, for two reasons: it is still there when the file itself is damaged, and a former
 * transport key opens nothing in the file that is handed on.
 *
 * Root opens files of others, in folders of others: the folder is opened once, and all that is read
 * and written goes by its descriptor. Else whoever puts another folder in its place between reading
 * and writing would have root write there a file that is theirs.
 */

#include "vm/vm.h"

#include <sys/types.h>

struct vm_file {
    char *path; /* without symbolic links, so that the file and not a link is replaced; for
                   messages: what is read and written is found by folder and name */
    int folder;
    const char *name; /* within path */
    struct buf bytes; /* as read */
    mode_t mode;
    uid_t owner;
    gid_t group;
    int fd; /* holds the lock */
};

/* Opens, locks (waits up to 60 s: vm.busy) and reads. base.file-*. */
bool vm_file_open(struct vm_file *out, const char *path, struct error *err);
/* Reads without a lock, for showing. */
bool vm_file_read(struct vm *out, const char *path, struct error *err);
/* Unlocks and frees. All zero with both descriptors -1 is a closed one. */
void vm_file_close(struct vm_file *file);
#define VM_FILE_CLOSED ((struct vm_file){.folder = -1, .fd = -1})
#define _cleanup_vm_file_ __attribute__((cleanup(vm_file_close)))

/* Writes a new file, mode 0600; refuses to overwrite. */
bool vm_file_create(const char *path, const struct vm *vm, struct error *err);

enum vm_file_former {
    VM_FILE_KEEP_FORMER,  /* what was read becomes FILE.last-good */
    VM_FILE_LEAVE_FORMER, /* FILE.last-good stays as it is: what was read proved nothing */
    VM_FILE_FORGET_FORMER /* FILE.last-good and FILE.replaced are removed: they still let in who was
                             revoked */
};
/* Replaces the file; mode and owner stay. */
bool vm_file_save(struct vm_file *file, const struct vm *vm, enum vm_file_former former,
                  struct error *err);
/*
 * FILE becomes FILE.last-good (which must parse), whatever state FILE is in: damaged, or gone. What
 * FILE held before is kept as FILE.replaced. vm.no-last-good.
 */
bool vm_file_restore(const char *path, struct error *err);
/* Whether there is such a last good copy, and the file can be locked; changes nothing. */
bool vm_file_check_restore(const char *path, struct error *err);
/* FILE.last-good, allocated. */
char *vm_file_last_good(const char *path);
