/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/* Landlock binds the thread that asks for it and those it starts later, so a sandbox is entered
 * before any other thread exists. process.sandbox otherwise. */
bool sandbox_threads_none(struct error *err);
