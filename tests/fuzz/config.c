/* SPDX-License-Identifier: Apache-2.0 */

/* Configuration files. What is refused names a place in the file, and nothing is left allocated. */

#include "base/config.h"
#include "base/file.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "require.h"

struct values {
    char *text;
    struct config_list list;
    bool flag;
    int64_t number, duration, size;
};

#define FIELD(name) offsetof(struct values, name)

static const struct config_key keys[] = {
    {"fuzz", "text", CONFIG_TEXT, FIELD(text), "initial", 0, 0, "A text."},
    {"fuzz", "list", CONFIG_LIST, FIELD(list), "one two", 0, 0, "A list."},
    {"fuzz", "flag", CONFIG_BOOL, FIELD(flag), "yes", 0, 0, "A flag."},
    {"more", "number", CONFIG_NUMBER, FIELD(number), "7", -10, 1000, "A number."},
    {"more", "duration", CONFIG_DURATION, FIELD(duration), "5min", 1, 100000000, "A time."},
    {"more", "size", CONFIG_SIZE, FIELD(size), NULL, 0, 0, "A size."},
};

struct member {
    char *name;
    char *text;
    int64_t number;
};
#define MEMBER_FIELD(name) offsetof(struct member, name)

static const struct config_key member_keys[] = {
    {"member NAME", "text", CONFIG_TEXT, MEMBER_FIELD(text), "", 0, 0, "A text."},
    {"member NAME", "number", CONFIG_NUMBER, MEMBER_FIELD(number), "1", 1, 9, "A number."},
};
static const struct config_family family = {"member", member_keys, 2, sizeof(struct member), 4};

#define KEY_COUNT (sizeof keys / sizeof keys[0])

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct values values = {0};
    struct config_members members = {0};
    char path[64];
    _cleanup_fd_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0 && file_write_fd(fd, slice_of(data, size), "fuzz", NULL));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!config_load_family(&values, keys, KEY_COUNT, &family, &members, path, &err)) {
        require(err.code != NULL && values.text == NULL && values.list.items == NULL);
        require(members.items == NULL && members.count == 0);
        return 0;
    }
    require(values.text != NULL && values.number >= -10 && values.number <= 1000);
    require(values.duration >= 1 && values.duration <= 100000000);
    for (size_t i = 0; i < values.list.count; i++)
        require(values.list.items[i][0] != '\0');
    require(values.list.items == NULL || values.list.items[values.list.count] == NULL);
    require(members.count <= 4);
    for (size_t i = 0; i < members.count; i++) {
        const struct member *member = (const struct member *)members.items + i;
        require(member->name[0] != '\0' && member->text != NULL);
        require(member->number >= 1 && member->number <= 9);
    }
    config_members_done(&members, &family);
    config_done(&values, keys, KEY_COUNT);
    return 0;
}
