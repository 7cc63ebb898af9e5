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
    void (*go_on)(void *work);
    void *work;
};

static void work(void *context, void *argument)
{
    struct item *item = argument;
    (void)context;
    item->go_on(item->work);
    free(item);
}

static void rest(void *context)
{
    const struct token_queues *queues = context;
    audit_hurry(queues->audit);
}

struct token_queues *token_queues_new(const struct hgsd_config *config, struct audit *audit)
{
    struct token_queues *queues = memory_allocate_zero(1, sizeof *queues);
    queues->audit = audit;
    for (size_t i = 0; i < config->tokens.count; i++) {
        queues->queues[i] = queue_new("hgs-hsm", (size_t)hgsd_config_token(config, i)->sessions,
                                      (size_t)config->queue, work, rest, queues);
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
    struct item *item = memory_allocate(sizeof *item);
    *item = (struct item){go_on, work_of_it};
    if (token > 0 && token <= queues->count && queue_put(queues->queues[token - 1], item))
        return true;
    free(item);
    return false;
}
