/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The functions behind the table of operation.h, a file a noun. Each is documented where hgsctl(8)
 * describes it. */

#include "admin/operation.h"

bool operation_server_init(struct admin_request *request, struct json_writer *result,
                           struct error *err);
bool operation_server_show(struct admin_request *request, struct json_writer *result,
                           struct error *err);
bool operation_server_set(struct admin_request *request, struct json_writer *result,
                          struct error *err);
bool operation_server_test(struct admin_request *request, struct json_writer *result,
                           struct error *err);
bool operation_server_clear(struct admin_request *request, struct json_writer *result,
                            struct error *err);
bool operation_host_add(struct admin_request *request, struct json_writer *result,
                        struct error *err);
bool operation_host_list(struct admin_request *request, struct json_writer *result,
                         struct error *err);
bool operation_host_show(struct admin_request *request, struct json_writer *result,
                         struct error *err);
bool operation_host_remove(struct admin_request *request, struct json_writer *result,
                           struct error *err);
bool operation_host_set(struct admin_request *request, struct json_writer *result,
                        struct error *err);
/* The record of the host that the request names. admin.not-found. */
bool operation_host_load(struct buf *value, int64_t *revision, const char **name,
                         const struct admin_request *request, struct error *err);
bool operation_policy_add(struct admin_request *request, struct json_writer *result,
                          struct error *err);
bool operation_policy_list(struct admin_request *request, struct json_writer *result,
                           struct error *err);
bool operation_policy_show(struct admin_request *request, struct json_writer *result,
                           struct error *err);
bool operation_policy_records(struct admin_request *request, struct json_writer *result,
                              struct error *err);
bool operation_policy_enable(struct admin_request *request, struct json_writer *result,
                             struct error *err);
bool operation_policy_disable(struct admin_request *request, struct json_writer *result,
                              struct error *err);
bool operation_policy_remove(struct admin_request *request, struct json_writer *result,
                             struct error *err);
bool operation_policy_activate(struct admin_request *request, struct json_writer *result,
                               struct error *err);
bool operation_pending_list(struct admin_request *request, struct json_writer *result,
                            struct error *err);
bool operation_pending_show(struct admin_request *request, struct json_writer *result,
                            struct error *err);
bool operation_pending_approve(struct admin_request *request, struct json_writer *result,
                               struct error *err);
bool operation_pending_remove(struct admin_request *request, struct json_writer *result,
                              struct error *err);
bool operation_tpm_root_add(struct admin_request *request, struct json_writer *result,
                            struct error *err);
bool operation_tpm_root_list(struct admin_request *request, struct json_writer *result,
                             struct error *err);
bool operation_tpm_root_remove(struct admin_request *request, struct json_writer *result,
                               struct error *err);
bool operation_certificate_add(struct admin_request *request, struct json_writer *result,
                               struct error *err);
bool operation_certificate_list(struct admin_request *request, struct json_writer *result,
                                struct error *err);
bool operation_certificate_show(struct admin_request *request, struct json_writer *result,
                                struct error *err);
bool operation_certificate_permission(struct admin_request *request, struct json_writer *result,
                                      struct error *err);
bool operation_certificate_set(struct admin_request *request, struct json_writer *result,
                               struct error *err);
bool operation_certificate_request(struct admin_request *request, struct json_writer *result,
                                   struct error *err);
bool operation_certificate_requested(struct admin_request *request, struct json_writer *result,
                                     struct error *err);
bool operation_certificate_cancel(struct admin_request *request, struct json_writer *result,
                                  struct error *err);
bool operation_certificate_usage(struct admin_request *request, struct json_writer *result,
                                 struct error *err);
bool operation_certificate_remove(struct admin_request *request, struct json_writer *result,
                                  struct error *err);
bool operation_token_list(struct admin_request *request, struct json_writer *result,
                          struct error *err);
bool operation_token_unlock(struct admin_request *request, struct json_writer *result,
                            struct error *err);
bool operation_signer_list(struct admin_request *request, struct json_writer *result,
                           struct error *err);
bool operation_signer_renew(struct admin_request *request, struct json_writer *result,
                            struct error *err);
bool operation_signer_trust(struct admin_request *request, struct json_writer *result,
                            struct error *err);
bool operation_signer_distrust(struct admin_request *request, struct json_writer *result,
                               struct error *err);
bool operation_signer_deny_before(struct admin_request *request, struct json_writer *result,
                                  struct error *err);
bool operation_event_list(struct admin_request *request, struct json_writer *result,
                          struct error *err);
bool operation_event_key(struct admin_request *request, struct json_writer *result,
                         struct error *err);
bool operation_event_acknowledge(struct admin_request *request, struct json_writer *result,
                                 struct error *err);
bool operation_event_verify(struct admin_request *request, struct json_writer *result,
                            struct error *err);
bool operation_state_export(struct admin_request *request, struct json_writer *result,
                            struct error *err);
bool operation_state_import(struct admin_request *request, struct json_writer *result,
                            struct error *err);
