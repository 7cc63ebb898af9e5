/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdio.h>

#include "audit/audit.h"
#include "base/hex.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "hgsctl/call.h"
#include "hgsctl/commands.h"

#define VALUE_WIDTH 40
#define VALUE_CUT 12
#define NEWEST 100 /* events, unless somebody says otherwise */

/* The fields that every record has stand in columns of their own; the rest is shown as name=value.
 */
static bool is_frame_field(const char *name)
{
    static const char *const names[] = {"seq", "time", "event", "prev", NULL};
    for (size_t i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Digests and keys are cut: what a person needs of them is whether they are the same; --json has
 * all of it. */
static void print_field(const struct json *field)
{
    if (json_is_text(field)) {
        _cleanup_free_ char *text = memory_copy_text(json_text(field));
        bool cut = strlen(text) > VALUE_WIDTH && strchr(text, ' ') == NULL;
        if (cut)
            text[utf8_valid(slice_of(text, VALUE_CUT))] = '\0';
        utf8_replace_controls(text); /* others wrote it */
        printf("  %s=%s%s", json_name(field), text, cut ? "…" : "");
        return;
    }
    if (json_is_object(field)) {
        printf("  %s={", json_name(field));
        for (const struct json *inner = json_first(field); inner != NULL; inner = json_next(inner))
            print_field(inner);
        printf("  }");
        return;
    }
    _cleanup_buf_ struct buf text;
    buf_init(&text, 1024 * 1024);
    json_append(&text, field);
    printf("  %s=%s", json_name(field), buf_text(&text));
}

static void print_event(const struct json *event)
{
    printf("%6lld  %s  %-22s", (long long)call_integer(event, "seq"), call_text(event, "time"),
           call_text(event, "event"));
    for (const struct json *field = json_first(event); field != NULL; field = json_next(field))
        if (!is_frame_field(json_name(field)))
            print_field(field);
    puts("");
}

/* Prints what came and gives the sequence to ask from next. */
static int64_t print_events(const struct call *call, int64_t after)
{
    for (const struct json *event = json_first(json_get(call->result, "events")); event != NULL;
         event = json_next(event)) {
        after = call_integer(event, "seq");
        if (!option_json(call->values)) {
            print_event(event);
            continue;
        }
        _cleanup_buf_ struct buf line;
        buf_init(&line, 1024 * 1024);
        json_append(&line, event);
        puts(buf_text(&line));
    }
    fflush(stdout);
    return after;
}

static bool ask(struct call *call, int64_t after, int64_t since)
{
    const char *host = option_text(call->values, "host");
    const char *event = option_text(call->values, "event");
    if (host != NULL)
        json_write_text(&call->writer, "host", host);
    if (event != NULL)
        json_write_text(&call->writer, "event", event);
    if (since != 0)
        json_write_integer(&call->writer, "since", since);
    json_write_integer(&call->writer, "after", after);
    /* Whoever names a time wants what has been since, and not the newest of it. */
    json_write_integer(&call->writer, "limit",
                       after > 0 ? 0
                                 : option_number(call->values, "limit", since != 0 ? 0 : NEWEST));
    return call_run(call, "event.list");
}

/* An answer has a bound: the service says when there is more, and what is not printed would look as
 * if it were not there. */
static bool print_all(struct call *call, int64_t *after, int64_t since)
{
    if (!ask(call, *after, since))
        return false;
    *after = print_events(call, *after);
    while (call_bool(call->result, "truncated") && !ferror(stdout)) {
        call_again(call);
        if (!ask(call, *after, since))
            return false;
        *after = print_events(call, *after);
    }
    return true;
}

static int run_list(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    int64_t since = 0;
    const char *since_text = option_text(values, "since");
    if (since_text != NULL && !call_time(&call, &since, since_text))
        return call_fail(&call);
    int64_t after = 0;
    if (!print_all(&call, &after, since))
        return call_fail(&call);
    while (option_given(values, "follow") && !ferror(stdout)) {
        poll(NULL, 0, 500);
        call_again(&call);
        if (!print_all(&call, &after, since))
            return call_fail(&call);
    }
    return 0;
}

/* A file is read here, since the service may not open what a caller names; the key and the head
 * come from it. */
static bool verify_file(struct call *call, const char *file, struct audit_report *report)
{
    _cleanup_buf_ struct buf spki;
    _cleanup_public_key_ struct public_key *key = NULL;
    buf_init(&spki, 8192);
    if (!call_run(call, "event.key") ||
        !json_get_bytes(&spki, call->result, "public_key", &call->err) ||
        !public_key_parse(&key, buf_slice(&spki), &call->err))
        return false;
    struct audit_known known = {.key = key,
                                .from = (uint64_t)option_number(call->values, "from", 0)};
    return audit_verify(NULL, file, &known, report, &call->err);
}

static int report_file(struct call *call, const char *file, const struct audit_report *report)
{
    if (!report->whole) {
        call->err = report->problem;
        return call_fail(call);
    }
    if (option_json(call->values))
        printf("{\"whole\":true,\"records\":%llu,\"first\":%llu,\"last\":%llu,\"checkpoints\":%llu,"
               "\"unsigned_tail\":%llu}\n",
               (unsigned long long)report->records, (unsigned long long)report->first,
               (unsigned long long)report->last, (unsigned long long)report->checkpoints,
               (unsigned long long)report->unsigned_tail);
    else
        printf("%s is whole: records %llu to %llu, %llu checkpoints.\n", file,
               (unsigned long long)report->first, (unsigned long long)report->last,
               (unsigned long long)report->checkpoints);
    return 0;
}

static int run_verify(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    const char *file = option_argument(values, 0);
    if (file != NULL) {
        struct audit_report report = {0};
        return verify_file(&call, file, &report) ? report_file(&call, file, &report)
                                                 : call_fail(&call);
    }
    json_write_integer(&call.writer, "from", option_number(values, "from", 0));
    if (!call_run(&call, "event.verify"))
        return call_fail(&call);
    if (call_printed(&call))
        return 0;
    printf("The audit trail is whole: records %lld to %lld, %lld checkpoints, %lld records since "
           "the last one.\n",
           (long long)call_integer(call.result, "first"),
           (long long)call_integer(call.result, "last"),
           (long long)call_integer(call.result, "checkpoints"),
           (long long)call_integer(call.result, "unsigned_tail"));
    return 0;
}

static int run_acknowledge(const struct option_values *values)
{
    _cleanup_call_ struct call call;
    call_init(&call, values);
    if (!call_run(&call, "event.acknowledge"))
        return call_fail(&call);
    long long sequence = (long long)call_integer(call.result, "sequence");
    return call_say(&call,
                    "The loss is accepted, and the trail goes on behind it with record %lld.\n"
                    "hgsctl event verify will always find it; hgsctl event verify --from %lld "
                    "looks at what came since.",
                    sequence, sequence);
}

static const struct option_entry list_options[] = {
    {"since", "TIME", "only events from then on, as 2026-11-23T10:00:00Z", OPTION_VALUE, OPTION_ANY,
     NULL, false, NULL, false},
    {"host", "HOST", "only events about this host", OPTION_VALUE, OPTION_ANY, NULL, false, NULL,
     false},
    {"event", "PATTERN", "only events of this name, with shell wildcards", OPTION_VALUE, OPTION_ANY,
     NULL, false, NULL, false},
    {"limit", "N", "the newest N of them; 0: all (default 100, with --since all)", OPTION_VALUE,
     OPTION_NUMBER, NULL, false, NULL, false},
    {"follow", NULL, "go on with those to come", OPTION_FLAG, OPTION_ANY, NULL, false, NULL, false},
    OPTION_END,
};
static const struct option_argument file_argument[] = {
    {"FILE", "one file of a trail, for example a copy", OPTION_FILE, true, false},
    {NULL, NULL, OPTION_ANY, false, false}};
static const char *const list_examples[] = {"hgsctl event list --host n1",
                                            "hgsctl event list --event 'key.*' --follow", NULL};
static const struct option_entry verify_options[] = {
    {"from", "N", "pass over the records before this one", OPTION_VALUE, OPTION_NUMBER, NULL, false,
     NULL, false},
    OPTION_END,
};
static const struct option_entry acknowledge_options[] = {OPTION_ROW_DRY_RUN, OPTION_END};
static const char *const verify_examples[] = {"hgsctl event verify",
                                              "hgsctl event verify audit-old.log", NULL};
static const char *const acknowledge_examples[] = {"hgsctl event acknowledge", NULL};

const struct option_command event_commands[] = {
    {"event list", "list audited events", "With --json, one object a line.", NULL, list_options,
     list_examples, "Get-HgsAttestationReport", run_list},
    {"event verify", "check that the audit trail is whole",
     "Finds changed, missing and reordered records and a cut end. The end is compared with what "
     "the store remembers, so that of a single FILE is not checked.",
     file_argument, verify_options, verify_examples, NULL, run_verify},
    {"event acknowledge", "go on after records of the audit trail were lost",
     "When records that were on disk are gone or changed, the service releases no key until the "
     "right files are back or an administrator accepts the loss by this command. The trail then "
     "goes on behind the lost records, and says who accepted it.",
     NULL, acknowledge_options, acknowledge_examples, NULL, run_acknowledge},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
