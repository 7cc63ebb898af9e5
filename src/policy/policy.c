/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/memory.h"
#include "base/plain_name.h"
#include "policy/builtin.h"
#include "policy/code_integrity_record.h"
#include "policy/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define BUILTIN_PREFIX "Hgs_"

static const char *const kind_names[] = {"builtin", "baseline", "ci", "dump"};
static const char *const version_names[] = {NULL, "v1", "v2"};
static const char *const state_names[] = {"enabled", "disabled", "locked", "staged"};
static const char *const profile_names[] = {"windows", "linux"};

#define WORDS(names) (names), sizeof(names) / sizeof(names)[0]

/* The word's place in a table; -1: none. */
static int find_word(const char *const *names, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i] != NULL && strcmp(names[i], word) == 0)
            return (int)i;
    }
    return -1;
}

const char *policy_kind_name(enum policy_kind kind)
{
    return kind_names[kind];
}

const char *policy_version_name(enum policy_version version)
{
    return version_names[version];
}

const char *policy_state_name(enum policy_state state)
{
    return state_names[state];
}

const char *policy_profile_name(enum eventlog_profile profile)
{
    return profile_names[profile];
}

bool policy_kind_parse(enum policy_kind *out, const char *word)
{
    int found = find_word(WORDS(kind_names), word);
    if (found >= 0)
        *out = (enum policy_kind)found;
    return found >= 0;
}

bool policy_version_parse(enum policy_version *out, const char *word)
{
    int found = find_word(WORDS(version_names), word);
    if (found >= 0)
        *out = (enum policy_version)found;
    return found >= 0;
}

bool policy_state_parse(enum policy_state *out, const char *word)
{
    int found = find_word(WORDS(state_names), word);
    if (found >= 0)
        *out = (enum policy_state)found;
    return found >= 0;
}

bool policy_profile_parse(enum eventlog_profile *out, const char *word)
{
    int found = find_word(WORDS(profile_names), word);
    if (found >= 0)
        *out = (enum eventlog_profile)found;
    return found >= 0;
}

void policy_done(struct policy *policy)
{
    if (policy->kind == POLICY_BASELINE)
        baseline_done(&policy->baseline);
    else if (policy->kind == POLICY_CI)
        code_integrity_done(&policy->ci);
}

bool policy_name_check(const char *name, struct error *err)
{
    if (!plain_name_valid(name, POLICY_NAME_SIZE))
        return error_set(err, &policy_name, NULL, name, "it is not a policy's name");
    if (strncasecmp(name, BUILTIN_PREFIX, strlen(BUILTIN_PREFIX)) == 0)
        return error_set(err, &policy_name, NULL, name, "the service keeps such names to itself");
    return true;
}

char *policy_key(const struct policy *policy, char key[POLICY_KEY_SIZE])
{
    if (policy->kind == POLICY_BUILTIN)
        snprintf(key, POLICY_KEY_SIZE, "%s/%s", policy_profile_name(policy->profile), policy->name);
    else
        snprintf(key, POLICY_KEY_SIZE, "%s", policy->name);
    return key;
}

static void write_scope(struct json_writer *writer, const struct policy *policy)
{
    if (policy->scope == POLICY_FOR_ALL)
        return;
    json_write_object(writer, "for");
    json_write_text(writer, policy->scope == POLICY_FOR_HOST ? "host" : "set", policy->scope_name);
    json_write_object_end(writer);
}

static void write_contents(struct json_writer *writer, const struct policy *policy)
{
    if (policy->kind == POLICY_BASELINE)
        baseline_write(writer, "baseline", &policy->baseline);
    else if (policy->kind == POLICY_CI)
        code_integrity_write(writer, "ci", &policy->ci);
    else if (policy->kind == POLICY_DUMP)
        json_write_hex(writer, "dump_key", slice_of(policy->dump_key, sizeof policy->dump_key));
}

void policy_format(struct buf *out, const struct policy *policy)
{
    char time[CLOCK_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object(&writer, NULL);
    json_write_text(&writer, "name", policy->name);
    json_write_text(&writer, "kind", policy_kind_name(policy->kind));
    json_write_text(&writer, "profile", policy_profile_name(policy->profile));
    if (policy->kind != POLICY_BUILTIN)
        json_write_text(&writer, "version", policy_version_name(policy->version));
    json_write_text(&writer, "state", policy_state_name(policy->state));
    write_scope(&writer, policy);
    json_write_text(&writer, "added", clock_format(policy->added, time));
    json_write_text(&writer, "added_by", policy->added_by);
    if (policy->until != 0)
        json_write_text(&writer, "until", clock_format(policy->until, time));
    write_contents(&writer, policy);
    json_write_object_end(&writer);
}

static bool malformed(struct error *err, const char *name, const char *what)
{
    return error_set(err, &policy_record_malformed, NULL, name, "%s", what);
}

/* The words that stand in every record. */
static bool parse_words(struct policy *policy, const struct json *record, struct error *err)
{
    const char *name, *kind, *profile, *state;
    if (!json_get_text(&name, record, "name", err) || !json_get_text(&kind, record, "kind", err) ||
        !json_get_text(&profile, record, "profile", err) ||
        !json_get_text(&state, record, "state", err))
        return false;
    if (!plain_name_valid(name, POLICY_NAME_SIZE))
        return malformed(err, name, "its name is none");
    if (!policy_kind_parse(&policy->kind, kind) ||
        !policy_profile_parse(&policy->profile, profile) ||
        !policy_state_parse(&policy->state, state))
        return malformed(err, name, "its kind, profile or state is none");
    snprintf(policy->name, sizeof policy->name, "%s", name);
    return true;
}

static bool parse_scope(struct policy *policy, const struct json *record, struct error *err)
{
    const struct json *scope = json_get(record, "for");
    if (scope == NULL)
        return true;
    const struct json *host = json_get(scope, "host"), *set = json_get(scope, "set");
    const char *name = json_text(host != NULL ? host : set);
    if ((host != NULL) == (set != NULL) || name == NULL ||
        !plain_name_valid(name, POLICY_NAME_SIZE))
        return malformed(err, policy->name, "\"for\" is neither a host nor a set");
    policy->scope = host != NULL ? POLICY_FOR_HOST : POLICY_FOR_SET;
    snprintf(policy->scope_name, sizeof policy->scope_name, "%s", name);
    return true;
}

static bool parse_times(struct policy *policy, const struct json *record, struct error *err)
{
    const char *added, *added_by, *until;
    if (!json_get_text(&added, record, "added", err) || !clock_parse(&policy->added, added, err) ||
        !json_get_text(&added_by, record, "added_by", err) ||
        !json_get_text_or(&until, record, "until", NULL, err) ||
        (until != NULL && !clock_parse(&policy->until, until, err)))
        return false;
    snprintf(policy->added_by, sizeof policy->added_by, "%s", added_by);
    return true;
}

/* A built-in's record is its state: one that its table allows. */
static bool parse_builtin(struct policy *policy, struct error *err)
{
    const struct builtin *builtin = builtin_find(policy->profile, policy->name);
    if (builtin == NULL)
        return error_set(err, &policy_builtin_unknown, NULL, policy->name,
                         "%s hosts have no such policy", policy_profile_name(policy->profile));
    if ((builtin->state == POLICY_LOCKED) != (policy->state == POLICY_LOCKED))
        return error_set(err, &policy_locked, NULL, builtin->name,
                         builtin->state == POLICY_LOCKED ? "it is locked" : "it is not locked");
    if (policy->scope != POLICY_FOR_ALL || policy->until != 0)
        return malformed(err, policy->name, "a built-in policy is for all hosts and has no end");
    snprintf(policy->name, sizeof policy->name, "%s", builtin->name);
    return true;
}

static bool parse_dump(struct policy *policy, const struct json *record, struct error *err)
{
    const char *text;
    _cleanup_buf_ struct buf key;
    buf_init(&key, sizeof policy->dump_key);
    if (!json_get_text(&text, record, "dump_key", err) ||
        !hex_parse(&key, slice_from_text(text), err) || !buf_ok(&key, policy->name, err))
        return false;
    if (key.size != sizeof policy->dump_key || policy->profile != EVENTLOG_PROFILE_WINDOWS)
        return malformed(err, policy->name, "a dump policy is a SHA-256, for Windows hosts");
    memcpy(policy->dump_key, key.data, key.size);
    return true;
}

static bool parse_ci(struct policy *policy, const struct json *record, struct error *err)
{
    const struct json *object;
    if (!json_get_object(&object, record, "ci", err) ||
        !code_integrity_read(&policy->ci, object, err))
        return false;
    bool is_windows = policy->ci.form == POLICY_CI_WINDOWS;
    if (is_windows == (policy->profile == EVENTLOG_PROFILE_WINDOWS))
        return true;
    code_integrity_done(&policy->ci);
    return malformed(err, policy->name, "its form is not one of its profile");
}

static bool parse_contents(struct policy *policy, const struct json *record, struct error *err)
{
    const struct json *object;
    const char *version;
    if (policy->kind == POLICY_BUILTIN)
        return parse_builtin(policy, err);
    if (!policy_name_check(policy->name, err) || !json_get_text(&version, record, "version", err))
        return false;
    if (!policy_version_parse(&policy->version, version) || policy->state == POLICY_LOCKED)
        return malformed(err, policy->name, "its version is none, or its state is locked");
    if (policy->kind == POLICY_DUMP)
        return parse_dump(policy, record, err);
    if (policy->kind == POLICY_CI)
        return parse_ci(policy, record, err);
    return json_get_object(&object, record, "baseline", err) &&
           baseline_read(&policy->baseline, object, err);
}

bool policy_parse(struct policy *out, struct slice value, struct error *err)
{
    _cleanup_json_ struct json *record = NULL;
    struct policy *policy = memory_allocate_zero(1, sizeof *policy); /* large: not on the stack */
    bool good = json_parse(&record, value, err) && parse_words(policy, record, err) &&
                parse_scope(policy, record, err) && parse_times(policy, record, err) &&
                parse_contents(policy, record, err);
    if (good)
        *out = *policy;
    free(policy);
    return good;
}
