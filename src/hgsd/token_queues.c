/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/token_queues.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"
#include "hgsd/queue.h"

struct token_queues {
    pthread_mutex_t lock; /* over stopping: nobody puts anything once it is set */
    bool stopping;        /* the queues come to their end */
    struct queue *queues[HGSD_TOKENS_MAX];
    size_t count;
    struct audit *audit;
};

struct item {
    struct queue *queue;
    void (*go_on)(void *work);
    void *work;
};

/* The record of one release is not kept for that of the next, for which the token takes its time,
 * when none waits. */
static void work(void *context, void *argument)
{
    const struct token_queues *queues = context;
    struct item *item = argument;
    item->go_on(item->work);
    if (queue_length(item->queue) == 0)
        audit_hurry(queues->audit);
    free(item);
}

struct token_queues *token_queues_new(const struct hgsd_config *config, struct audit *audit)
{
    struct token_queues *queues = memory_allocate_zero(1, sizeof *queues);
    pthread_mutex_init(&queues->lock, NULL);
    queues->audit = audit;
    for (size_t i = 0; i < config->tokens.count; i++) {
        queues->queues[i] = queue_new("hgs-hsm", (size_t)hgsd_config_token(config, i)->sessions,
                                      (size_t)config->queue, QUEUE_PROMPT, work, NULL, queues);
        if (queues->queues[i] == NULL) {
            token_queues_free(&queues);
            return NULL;
        }
        queues->count++;
    }
    return queues;
}

void token_queues_stop(struct token_queues *queues)
{
    pthread_mutex_lock(&queues->lock);
    queues->stopping = true;
    pthread_mutex_unlock(&queues->lock);
    for (size_t i = 0; i < queues->count; i++)
        queue_free(&queues->queues[i]);
}

void token_queues_free(struct token_queues **queues_pointer)
{
    struct token_queues *queues = memory_steal(queues_pointer);
    if (queues == NULL)
        return;
    token_queues_stop(queues);
    pthread_mutex_destroy(&queues->lock);
    free(queues);
}

bool token_queues_put(struct token_queues *queues, unsigned token, void (*go_on)(void *work),
                      void *work_of_it)
{
    if (token == 0 || token > queues->count)
        return false;
    struct item *item = memory_allocate(sizeof *item);
    pthread_mutex_lock(&queues->lock);
    struct queue *queue = queues->queues[token - 1];
    *item = (struct item){queue, go_on, work_of_it};
    bool put = !queues->stopping && queue_put(queue, item);
    pthread_mutex_unlock(&queues->lock);
    if (!put)
        free(item);
    return put;
}

size_t token_queues_length(struct token_queues *queues, unsigned token)
{
    if (token == 0 || token > queues->count)
        return 0;
    pthread_mutex_lock(&queues->lock);
    size_t length = queues->stopping ? 0 : queue_length(queues->queues[token - 1]);
    pthread_mutex_unlock(&queues->lock);
    return length;
}
