/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/registering.h"

#include <pthread.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

void registering_begin(void)
{
    pthread_mutex_lock(&turn);
}

void registering_end(void)
{
    pthread_mutex_unlock(&turn);
}
