/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What libmicrohttpd tells us in the course of a connection, and what we answer: the callbacks of a
 * daemon, all called on the HTTP thread.
 */

#include "http/server_state.h"

/* MHD_OPTION_NOTIFY_CONNECTION; the context of these callbacks is the listener. */
void conversation_connection(void *listener, struct MHD_Connection *library, void **context,
                             enum MHD_ConnectionNotificationCode code);
/* MHD_OPTION_URI_LOG_CALLBACK: the request line is here. */
void *conversation_target(void *listener, const char *target, struct MHD_Connection *library);
/* The access handler: a head, a piece of a body, a whole request, a resumed one. */
enum MHD_Result conversation_request(void *listener, struct MHD_Connection *library,
                                     const char *path, const char *method, const char *version,
                                     const char *upload, size_t *upload_size, void **context);
/* MHD_OPTION_NOTIFY_COMPLETED: the reply is out, or never will be. */
void conversation_completed(void *listener, struct MHD_Connection *library, void **context,
                            enum MHD_RequestTerminationCode code);

/* Lets a connection go on whose request has its reply. */
void conversation_resume(struct connection *connection);
/* The connection no longer waits for its worker: its client gets 503. Does nothing when the reply
 * is on its way. */
void conversation_abandon(struct connection *connection);
