/* SPDX-License-Identifier: Apache-2.0 */
#include "hgsd/token_queues.h"

#include <stdlib.h>

#include "base/memory.h"
#include "hgsd/queue.h"

struct token_queues {
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
    queues->audit = audit;
    for (size_t i = 0; i < config->tokens.count; i++) {
        queues->queues[i] = queue_new("hgs-hsm", (size_t)hgsd_config_token(config, i)->sessions,
                                      (size_t)config->queue, work, NULL, queues);
        if (queues->queues[i] == NULL) {
            token_queues_free(&queues);
            return NULL;
        }
        queues->count++;
    }
    return queues;
}

void token_queues_free(struct token_queues **queues_pointer)
{
    struct token_queues *queues = memory_steal(queues_pointer);
    if (queues == NULL)
        return;
    for (size_t i = 0; i < queues->count; i++)
        queue_free(&queues->queues[i]);
    free(queues);
}

bool token_queues_put(struct token_queues *queues, unsigned token, void (*go_on)(void *work),
                      void *work_of_it)
{
    if (token == 0 || token > queues->count)
        return false;
    struct queue *queue = queues->queues[token - 1];
    struct item *item = memory_allocate(sizeof *item);
    *item = (struct item){queue, go_on, work_of_it};
    if (queue_put(queue, item))
        return true;
    free(item);
    return false;
}
