/* SPDX-License-Identifier: Apache-2.0 */
#include "eventlog/command_line.h"

#include "eventlog/evaluation.h"

/* A token NAME or NAME=VALUE. The kernel takes - for _ in names, and quotes around values. */
struct token {
    struct slice whole;
    struct slice name;
    struct slice value; /* empty also when there is no = */
};

struct walk {
    struct slice rest;
    uint32_t count;
    bool is_at_end; /* "--" was read */
};

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0;
}

static struct slice without_quotes(struct slice value)
{
    if (value.size > 0 && value.data[0] == '"')
        value = slice_of(value.data + 1, value.size - 1);
    if (value.size > 0 && value.data[value.size - 1] == '"')
        value.size--;
    return value;
}

/* As next_arg of the kernel: quotes keep spaces together, and the first = divides. */
static bool next_token(struct token *out, struct walk *walk)
{
    struct slice rest = walk->rest;
    while (rest.size > 0 && is_space(rest.data[0]))
        rest = slice_of(rest.data + 1, rest.size - 1);
    if (rest.size == 0 || walk->is_at_end || walk->count++ == COMMAND_LINE_TOKENS_MAX)
        return false;
    size_t size = 0, equals = 0;
    bool is_quoted = false;
    for (; size < rest.size && (is_quoted || !is_space(rest.data[size])); size++) {
        is_quoted ^= rest.data[size] == '"';
        if (rest.data[size] == '=' && equals == 0)
            equals = size;
    }
    walk->rest = slice_of(rest.data + size, rest.size - size);
    out->whole = slice_of(rest.data, size);
    bool is_wrapped = rest.data[0] == '"';
    size_t skip = is_wrapped ? 1 : 0;
    size_t end = equals > 0 ? equals : size;
    if (is_wrapped && equals == 0 && size > 1 && rest.data[size - 1] == '"')
        end--;
    out->name = slice_of(rest.data + skip, end > skip ? end - skip : 0);
    out->value = equals > 0 ? without_quotes(slice_of(rest.data + equals + 1, size - equals - 1))
                            : SLICE_EMPTY;
    walk->is_at_end = slice_equals_text(out->whole, "--");
    return !walk->is_at_end;
}

static bool has_name(const struct token *token, const char *name)
{
    if (token->name.size != strlen(name))
        return false;
    for (size_t i = 0; i < token->name.size; i++) {
        uint8_t c = token->name.data[i];
        if ((c == '-' ? '_' : c) != (uint8_t)name[i])
            return false;
    }
    return true;
}

static bool has_value(const struct token *token, const char *value)
{
    return slice_equals_text(token->value, value);
}

static bool is_one_of(const struct token *token, const char *const values[])
{
    for (size_t i = 0; values[i] != NULL; i++)
        if (has_value(token, values[i]))
            return true;
    return false;
}

/* Whether the value, a list divided by any of dividers, has word. */
static bool list_has(struct slice value, const char *dividers, const char *word)
{
    size_t start = 0;
    for (size_t i = 0; i <= value.size; i++) {
        if (i < value.size && strchr(dividers, value.data[i]) == NULL)
            continue;
        if (slice_equals_text(slice_of(value.data + start, i - start), word))
            return true;
        start = i + 1;
    }
    return false;
}

/* What all tokens say together. */
struct findings {
    bool has_lockdown, has_bad_lockdown, has_no_lockdown_module;
    bool has_signatures, has_bad_signatures;
    bool has_appraise, has_bad_appraise;
    bool has_iommu, has_bad_iommu;
    bool has_no_hibernation;
    bool has_no_resume, has_resume;
    bool has_dump;
};

static const char *const yes[] = {"1", "y", "Y", "on", NULL};

/* Lockdown is a security module: where it is not built in as an early one, a list of modules (lsm=)
 * without it turns it off, whatever lockdown= says. */
static void read_lockdown(struct findings *findings, const struct token *token)
{
    if (has_name(token, "lsm") && !list_has(token->value, ",", "lockdown"))
        findings->has_no_lockdown_module = true;
    if (!has_name(token, "lockdown"))
        return;
    if (has_value(token, "integrity") || has_value(token, "confidentiality"))
        findings->has_lockdown = true;
    else
        findings->has_bad_lockdown = true;
}

static void read_signatures(struct findings *findings, const struct token *token)
{
    if (!has_name(token, "module.sig_enforce"))
        return;
    bool is_bare = token->whole.size == token->name.size;
    if (is_bare || is_one_of(token, yes))
        findings->has_signatures = true;
    else
        findings->has_bad_signatures = true;
}

static void read_appraise(struct findings *findings, const struct token *token)
{
    if (has_name(token, "ima_appraise")) {
        if (has_value(token, "enforce"))
            findings->has_appraise = true;
        else
            findings->has_bad_appraise = true;
    }
    if (has_name(token, "ima_policy") && (list_has(token->value, " |\n", "appraise_tcb") ||
                                          list_has(token->value, " |\n", "secure_boot")))
        findings->has_appraise = true;
}

static void read_iommu(struct findings *findings, const struct token *token)
{
    static const char *const off[] = {"off", "pt", "noforce", "soft", NULL};
    bool is_vendor = has_name(token, "intel_iommu") || has_name(token, "amd_iommu");
    if ((has_name(token, "intel_iommu") && list_has(token->value, ",", "on")) ||
        (has_name(token, "amd_iommu") && list_has(token->value, ",", "force_enable")) ||
        (has_name(token, "iommu") && list_has(token->value, ",", "force")))
        findings->has_iommu = true;
    if (is_vendor && list_has(token->value, ",", "off"))
        findings->has_bad_iommu = true;
    for (size_t i = 0; off[i] != NULL && has_name(token, "iommu"); i++)
        findings->has_bad_iommu |= list_has(token->value, ",", off[i]);
    if (has_name(token, "iommu.passthrough") && !has_value(token, "0"))
        findings->has_bad_iommu = true;
    if (has_name(token, "iommu.strict") && !has_value(token, "1"))
        findings->has_bad_iommu = true;
    if (has_name(token, "intremap") && list_has(token->value, ",", "off"))
        findings->has_bad_iommu = true;
}

static void read_hibernation(struct findings *findings, const struct token *token)
{
    bool is_bare = token->whole.size == token->name.size;
    bool is_hibernate = has_name(token, "hibernate");
    if ((is_bare && has_name(token, "nohibernate")) || (is_hibernate && has_value(token, "no")))
        findings->has_no_hibernation = true;
    if ((is_bare && has_name(token, "noresume")) || (is_hibernate && has_value(token, "noresume")))
        findings->has_no_resume = true;
    if (has_name(token, "resume"))
        findings->has_resume = true;
}

static void read_dump(struct findings *findings, const struct token *token)
{
    if (has_name(token, "fadump") && !has_value(token, "off"))
        findings->has_dump = true;
}

/* Who states: the events that prove the line. */
struct statement {
    struct eventlog_claims *claims;
    const uint32_t *events;
    uint32_t event_count;
};

static void state(const struct statement *by, enum eventlog_claim_id id, enum eventlog_value value,
                  const char *sentence)
{
    if (value == EVENTLOG_UNKNOWN)
        evaluation_void(by->claims, id, sentence, EVENTLOG_NO_EVENT);
    else if (by->event_count == 0)
        evaluation_state(by->claims, id, value, sentence, EVENTLOG_NO_EVENT);
    for (uint32_t i = 0; i < by->event_count && value != EVENTLOG_UNKNOWN; i++)
        evaluation_state(by->claims, id, value, sentence, by->events[i]);
}

static bool is_locked(const struct findings *found)
{
    return found->has_lockdown && !found->has_bad_lockdown && !found->has_no_lockdown_module;
}

static void conclude_locks(const struct statement *by, const struct findings *found)
{
    if (found->has_bad_lockdown)
        state(by, EVENTLOG_CLAIM_LOCKDOWN, EVENTLOG_BAD,
              "the command line has a lockdown that is neither integrity nor confidentiality");
    else if (found->has_lockdown && found->has_no_lockdown_module)
        state(by, EVENTLOG_CLAIM_LOCKDOWN, EVENTLOG_UNKNOWN,
              "the command line's list of security modules (lsm=) leaves out lockdown");
    else if (found->has_lockdown)
        state(by, EVENTLOG_CLAIM_LOCKDOWN, EVENTLOG_GOOD, "the command line demands lockdown");
    if (found->has_bad_signatures)
        state(by, EVENTLOG_CLAIM_MODULE_SIGNATURES, EVENTLOG_BAD,
              "the command line lets unsigned modules in");
    else if (found->has_signatures || is_locked(found))
        state(by, EVENTLOG_CLAIM_MODULE_SIGNATURES, EVENTLOG_GOOD,
              "the command line demands signed modules");
    if (found->has_bad_appraise)
        state(by, EVENTLOG_CLAIM_IMA_APPRAISE, EVENTLOG_BAD,
              "the command line lets IMA appraise without enforcing");
    else if (found->has_appraise)
        state(by, EVENTLOG_CLAIM_IMA_APPRAISE, EVENTLOG_GOOD,
              "the command line has IMA enforce its appraisal");
    if (found->has_bad_iommu)
        state(by, EVENTLOG_CLAIM_IOMMU, EVENTLOG_BAD, "the command line weakens the IOMMU");
    else if (found->has_iommu)
        state(by, EVENTLOG_CLAIM_IOMMU, EVENTLOG_GOOD, "the command line asks for an IOMMU");
}

static void conclude_memory(const struct statement *by, const struct findings *found)
{
    bool is_off = found->has_no_hibernation || is_locked(found);
    if (is_off)
        state(by, EVENTLOG_CLAIM_NO_HIBERNATION, EVENTLOG_GOOD,
              "the command line forbids hibernation");
    else
        state(by, EVENTLOG_CLAIM_NO_HIBERNATION, EVENTLOG_UNKNOWN,
              "the command line has neither nohibernate nor lockdown");
    if (is_off || found->has_no_resume)
        state(by, EVENTLOG_CLAIM_FULL_BOOT, EVENTLOG_GOOD,
              "the command line forbids resuming from hibernation");
    else if (found->has_resume)
        state(by, EVENTLOG_CLAIM_FULL_BOOT, EVENTLOG_BAD,
              "the command line resumes from hibernation");
    else
        state(by, EVENTLOG_CLAIM_FULL_BOOT, EVENTLOG_UNKNOWN,
              "the command line has none of noresume, nohibernate and lockdown");
    if (found->has_dump)
        state(by, EVENTLOG_CLAIM_NO_DUMPS, EVENTLOG_BAD,
              "the command line sets memory aside for a crash kernel");
    else
        state(by, EVENTLOG_CLAIM_NO_DUMPS, EVENTLOG_GOOD,
              "the whole command line asks for no crash kernel");
}

void command_line_evaluate(struct eventlog_claims *claims, struct slice line,
                           const uint32_t *events, uint32_t event_count)
{
    struct statement by = {claims, events, event_count};
    static const char crash[] = "crashkernel=";
    struct findings findings = {0};
    struct walk walk = {.rest = line};
    struct token token;
    if (line.size > COMMAND_LINE_SIZE_MAX || (line.size > 0 && memchr(line.data, 0, line.size))) {
        command_line_unknown(claims, "the kernel's command line is too long, or damaged");
        return;
    }
    while (next_token(&token, &walk)) {
        read_lockdown(&findings, &token);
        read_signatures(&findings, &token);
        read_appraise(&findings, &token);
        read_iommu(&findings, &token);
        read_hibernation(&findings, &token);
        read_dump(&findings, &token);
    }
    if (walk.count > COMMAND_LINE_TOKENS_MAX) {
        command_line_unknown(claims, "the kernel's command line has too many parameters");
        return;
    }
    /* The kernel looks for this one anywhere in the line. */
    if (line.size > 0 && memmem(line.data, line.size, crash, sizeof crash - 1) != NULL)
        findings.has_dump = true;
    conclude_locks(&by, &findings);
    conclude_memory(&by, &findings);
}

void command_line_unknown(struct eventlog_claims *claims, const char *sentence)
{
    static const enum eventlog_claim_id ids[] = {
        EVENTLOG_CLAIM_FULL_BOOT,    EVENTLOG_CLAIM_LOCKDOWN, EVENTLOG_CLAIM_MODULE_SIGNATURES,
        EVENTLOG_CLAIM_IMA_APPRAISE, EVENTLOG_CLAIM_IOMMU,    EVENTLOG_CLAIM_NO_HIBERNATION,
        EVENTLOG_CLAIM_NO_DUMPS,
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        evaluation_void(claims, ids[i], sentence, EVENTLOG_NO_EVENT);
}

bool command_line_has(struct slice line, const char *text)
{
    struct walk walk = {.rest = line};
    struct token token;
    while (next_token(&token, &walk))
        if (slice_equals_text(token.whole, text))
            return true;
    return false;
}
