/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/process_token.h"

#include "keyholder/answer_token.h"

bool keyholder_token_process_run(const struct keyholder_token_process_options *options,
                                 struct error *err)
{
    serve_prepare();
    size_t count = (size_t)options->channel_count;
    if (options->sandbox && !sandbox_token(options->reach, err)) {
        serve_none(options->channels, count);
        return false;
    }
    struct answer_token_context context;
    answer_token_init(&context, options->token, options->pin);
    const struct server server = {answer_token_request, &context};
    bool ok = serve_channels(options->channels, count, &server, err);
    answer_token_done(&context);
    return ok;
}
