/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/change.h"
#include "admin/errors.h"
#include "admin/operations.h"
#include "base/file.h"
#include "keyholder/keyholder_token.h"

/* Argument "name": of a [token NAME] of this node. */
static bool read_token(unsigned *token, const char **name, const struct admin_request *request,
                       struct error *err)
{
    if (!admin_request_name(name, request, err))
        return false;
    *token = keyholder_token_named(request->services->keyholder, *name);
    return *token != 0 || error_set(err, &admin_not_found, "hgsd.conf(5)", *name,
                                    "this node has no [token %s]", *name);
}

bool operation_token_list(struct admin_request *request, struct json_writer *result,
                          struct error *err)
{
    (void)err;
    json_write_object(result, NULL);
    request->services->describe_tokens(request->services->context, result);
    json_write_object_end(result);
    return true;
}

bool operation_token_unlock(struct admin_request *request, struct json_writer *result,
                            struct error *err)
{
    const char *name;
    unsigned token;
    _cleanup_fd_ int meeting = -1;
    struct admin_change change = {.event = "token.pin-given"};
    if (!read_token(&token, &name, request, err) ||
        !admin_request_descriptor(&meeting, request, "meeting_fd", err))
        return false;
    if (meeting < 0)
        return error_set(err, &admin_argument, "hgsctl(8)", "token unlock", "no PIN came with it");
    change.object = name;
    /* Not a try of the PIN is spent on a dry run. */
    if (!request->dry_run && (!admin_change_record(request, &change, err) ||
                              !keyholder_token_unlock(request->services->keyholder, token,
                                                      admin_request_give(&meeting), err)))
        return false;
    json_write_object(result, NULL);
    json_write_text(result, "name", name);
    json_write_object_end(result);
    return true;
}
