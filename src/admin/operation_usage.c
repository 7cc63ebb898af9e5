/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/certificate_needs.h"
#include "admin/errors.h"
#include "admin/operations.h"

#define DAYS_MAX 36500

static bool read_days(int64_t *days, const struct admin_request *request, struct error *err)
{
    if (!json_get_integer_or(days, request->arguments, "days", CERTIFICATE_NEEDS_DAYS, err))
        return false;
    return (*days >= 1 && *days <= DAYS_MAX) ||
           error_set(err, &admin_argument, "hgsctl(8)", "--days", "it is 1 to %d", DAYS_MAX);
}

static void write_all(struct json_writer *result, const struct certificate_needs *needs,
                      const struct certificate_list *list, int64_t days)
{
    char since[CLOCK_TEXT_SIZE];
    json_write_object(result, NULL);
    json_write_text(result, "since", clock_format(needs->totals.since, since));
    json_write_integer(result, "protectors", (int64_t)needs->totals.protectors);
    json_write_bool(result, "full", needs->totals.full);
    json_write_integer(result, "days", days);
    json_write_array(result, "certificates");
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].certificate.type != KEYPROTECTION_COMMUNICATIONS)
            certificate_needs_write(result, needs, list, i);
    json_write_array_end(result);
    json_write_object_end(result);
}

bool operation_certificate_usage(struct admin_request *request, struct json_writer *result,
                                 struct error *err)
{
    int64_t days;
    struct certificate_list list = {0};
    bool ok = read_days(&days, request, err) &&
              certificate_list_load(&list, request->services->store, err);
    if (ok) {
        struct certificate_needs needs;
        certificate_needs_load(&needs, &list, request->services, days);
        write_all(result, &needs, &list, days);
        certificate_needs_done(&needs);
    }
    certificate_list_done(&list);
    return ok;
}
