/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of the service process, made from the ground up and taken down in reverse: keyholder
 * client, store, audit trail, the two services, the store's watch, HTTP, administration. One of
 * each; the functions of this file are called by the main thread only, unless said otherwise.
 */

#include "audit/sink.h"
#include "hgsd/config.h"
#include "hgsd/supervisor.h"
#include "keyholder/keyholder.h"

struct parts;

/* config_path: of the file with config, NULL for the usual one. sinks: where the audit trail goes,
 * too; opened, they must outlive the parts. channels: the ends of the channels to a keyholder (may
 * be none yet); control: the socket of the supervisor, which is told when a keyholder does not
 * answer; listener: the administration socket, taken over in any case. Errors name what could not
 * be made.
 */
bool parts_start(struct parts **out, const struct hgsd_config *config, const char *config_path,
                 const struct audit_sinks *sinks, int control, int listener,
                 const struct supervisor_channels *channels, struct error *err);
/* Finishes requests under way, at most config->shutdown_ms. */
void parts_stop(struct parts **parts);
/* A keyholder was started: new channels; its keys will be loaded again. Waits for no keyholder, as
 * nothing here does. */
void parts_keyholder_started(struct parts *parts, const struct supervisor_channels *channels);
/* This node's clock was set: what depends on the time is looked at now. */
void parts_clock_set(struct parts *parts);
/* Whether HTTP, the workers and the writer of the audit trail have got on since the last call, or
 * have nothing to do; and upkeep (hgsd/upkeep.h) is not lost in its work. */
bool parts_move(struct parts *parts);
/* Reads what is read again (reload.h), and tries keys that did not work. */
void parts_reload(struct parts *parts);
