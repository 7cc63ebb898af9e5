/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsctl/policy_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/errors.h"
#include "base/file.h"
#include "hgsctl/boot_log.h"
#include "policy/code_integrity.h"
#include "policy/dump.h"
#include "policy/validate.h"

#define IMA_FILE_MAX (16u << 20)
#define ADDON_FILE_MAX (16u << 20)

/* "0,2,4,7" */
static bool parse_pcrs(uint32_t *out, const char *text, struct error *err)
{
    *out = 0;
    for (const char *at = text; *at != '\0';) {
        char *end;
        unsigned long pcr = strtoul(at, &end, 10);
        if (end == at || pcr > 23 || (*end != ',' && *end != '\0'))
            return error_set(err, &admin_argument, "hgsctl(8)", text,
                             "PCRs are numbers with commas between: 0,2,4,7");
        *out |= 1u << pcr;
        at = *end == ',' ? end + 1 : end;
    }
    return true;
}

static bool read_baseline(struct policy *policy, const struct option_values *values,
                          struct error *err)
{
    uint32_t pcrs = BASELINE_PCRS_DEFAULT;
    const char *selected = option_text(values, "pcr");
    _cleanup_boot_log_ struct boot_log log = {0};
    if ((selected != NULL && !parse_pcrs(&pcrs, selected, err)) ||
        !boot_log_read(&log, option_text(values, "baseline"), err) ||
        (!option_given(values, "skip-validation") &&
         !policy_validate_baseline(&log.log, policy->profile, log.bank, err)) ||
        !baseline_take(&policy->baseline, &log.log, pcrs, err))
        return false;
    policy->kind = POLICY_BASELINE;
    return true;
}

static bool allow_addons(struct policy_ci *ci, const struct option_values *values,
                         struct error *err)
{
    for (size_t i = 0; i < option_count(values, "ci-addon"); i++) {
        _cleanup_buf_ struct buf file;
        buf_init(&file, ADDON_FILE_MAX);
        if (!file_read(&file, option_item(values, "ci-addon", i), err) ||
            !code_integrity_allow_addon(ci, buf_slice(&file), err))
            return false;
    }
    return true;
}

/* An EFI image says so itself ("MZ"); whatever else there is should be a policy of Windows. */
static bool take_image_or_policy(struct policy_ci *ci, const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    _cleanup_buf_ struct buf file;
    buf_init(&file, PE_SIZE_MAX);
    if (!file_read(&file, path, err))
        return false;
    if (file.size >= 2 && file.data[0] == 'M' && file.data[1] == 'Z')
        return code_integrity_take_unified(ci, buf_slice(&file), err);
    return code_integrity_take_windows(ci, buf_slice(&file), slash != NULL ? slash + 1 : path, err);
}

static bool take_kernel(struct policy_ci *ci, const struct option_values *values, struct error *err)
{
    const char *line = option_text(values, "ci-cmdline");
    _cleanup_buf_ struct buf file;
    buf_init(&file, PE_SIZE_MAX);
    if (line == NULL)
        return error_set(err, &admin_argument, "hgsctl(8)", "--ci-kernel",
                         "say with which command line the kernel may run: --ci-cmdline LINE");
    return file_read(&file, option_text(values, "ci-kernel"), err) &&
           code_integrity_take_kernel(ci, buf_slice(&file), line, err);
}

static bool take_ima(struct policy_ci *ci, const char *path, struct error *err)
{
    _cleanup_buf_ struct buf file;
    buf_init(&file, IMA_FILE_MAX);
    return file_read(&file, path, err) && code_integrity_take_ima(ci, buf_slice(&file), err);
}

static bool has_ima_option(const struct option_values *values)
{
    const struct option_entry *options = option_command(values)->options;
    for (; options->name != NULL; options++)
        if (strcmp(options->name, "ci-ima") == 0)
            return true;
    return false;
}

bool policy_file_read_ci(struct policy *out, const struct option_values *values, struct error *err)
{
    const char *file = option_text(values, "ci");
    struct policy_ci *ci = &out->ci;
    bool ok = file != NULL                        ? take_image_or_policy(ci, file, err)
              : option_given(values, "ci-kernel") ? take_kernel(ci, values, err)
              : has_ima_option(values)            ? take_ima(ci, option_text(values, "ci-ima"), err)
                                                  : false;
    if (!ok)
        return false;
    out->kind = POLICY_CI;
    out->profile =
        ci->form == POLICY_CI_WINDOWS ? EVENTLOG_PROFILE_WINDOWS : EVENTLOG_PROFILE_LINUX;
    return allow_addons(ci, values, err);
}

static bool read_dump(struct policy *policy, const struct option_values *values, struct error *err)
{
    const char *path = option_text(values, "dump"), *hash = option_text(values, "dump-key-hash");
    _cleanup_boot_log_ struct boot_log log = {0};
    policy->kind = POLICY_DUMP;
    policy->profile = EVENTLOG_PROFILE_WINDOWS;
    if (hash != NULL)
        return dump_key_parse(policy->dump_key, hash, err);
    return boot_log_read(&log, path, err) &&
           dump_key_take(policy->dump_key, &log.log, log.bank, err);
}

/* What the file is of and what was said agree. */
static bool check_profile(const struct policy *policy, const char *profile, struct error *err)
{
    if (profile == NULL || strcmp(profile, policy_profile_name(policy->profile)) == 0)
        return true;
    return error_set(err, &admin_argument, "hgsctl(8)", policy->name,
                     "what was given makes a policy for %s hosts, not for --profile %s",
                     policy_profile_name(policy->profile), profile);
}

bool policy_file_read(struct policy *out, const struct option_values *values, struct error *err)
{
    const char *profile = option_text(values, "profile");
    const char *version = option_text(values, "policy-version");
    _cleanup_policy_ struct policy policy = {
        .profile = EVENTLOG_PROFILE_LINUX,
        .version = POLICY_VERSION_2,
        .state = option_given(values, "stage") ? POLICY_STAGED : POLICY_ENABLED,
    };
    snprintf(policy.name, sizeof policy.name, "%s", option_argument(values, 0));
    if (!policy_name_check(policy.name, err))
        return false;
    if (version != NULL)
        policy_version_parse(&policy.version, version);
    if (profile != NULL)
        policy_profile_parse(&policy.profile, profile);
    bool ok = option_given(values, "baseline") ? read_baseline(&policy, values, err)
              : option_given(values, "dump") || option_given(values, "dump-key-hash")
                  ? read_dump(&policy, values, err)
                  : policy_file_read_ci(&policy, values, err);
    if (!ok || !check_profile(&policy, profile, err))
        return false;
    *out = policy;
    policy = (struct policy){0}; /* *out owns it */
    return true;
}
