/* SPDX-License-Identifier: Apache-2.0 */
#include "keyholder/process.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "keyholder/answer.h"
#include "keyholder/cluster_key.h"
#include "keyholder/errors.h"
#include "keyholder/sealed.h"
#include "process/descriptors.h"
#include "process/errors.h"
#include "process/sandbox.h"

/* OpenSSL needs little, sanitizers more. */
#define STACK_SIZE (1u << 20)
/* A service that was taken over must not be able to fill the log. */
#define REFUSALS_LOGGED 100

/* A channel with the thread that serves it. */
struct channel {
    struct answer_context *context;
    unsigned worker;
    int socket;
    pthread_t thread;
    struct answer answer;
    uint8_t request[KEYHOLDER_REQUEST_MAX];
};

/* An honest service is never refused like this, and one that is not will not tell. */
static void log_refusal(const struct error *err)
{
    static atomic_uint count;
    if (err->code != &keyholder_message && err->code != &keyholder_purpose &&
        err->code != &keyholder_permit)
        return;
    unsigned before = atomic_fetch_add(&count, 1);
    if (before < REFUSALS_LOGGED)
        log_error(LOG_LEVEL_WARNING, err, "the keyholder refuses a request of the service");
    if (before == REFUSALS_LOGGED)
        log_write(LOG_LEVEL_WARNING, "the keyholder goes on refusing, without further lines here");
}

static bool send_reply(int socket, const struct keyholder_reply *reply)
{
    uint8_t head[KEYHOLDER_REPLY_HEAD];
    keyholder_message_format_reply(head, reply);
    struct iovec parts[1 + KEYHOLDER_REPLY_FIELDS] = {{head, sizeof head}};
    for (size_t i = 0; i < KEYHOLDER_REPLY_FIELDS; i++)
        parts[1 + i] = (struct iovec){(void *)reply->fields[i].data, reply->fields[i].size};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 1 + KEYHOLDER_REPLY_FIELDS};
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

static bool handle(struct channel *channel, struct slice bytes, const int *fds, size_t count,
                   struct error *err)
{
    struct keyholder_request request;
    if (!keyholder_message_parse_request(&request, bytes, err))
        return false;
    if (count != keyholder_message_descriptors(&request))
        return error_set(err, &keyholder_message, NULL, "keyholder request",
                         "came with %zu descriptors instead of %zu", count,
                         keyholder_message_descriptors(&request));
    return answer_request(&channel->answer, channel->context, channel->worker, &request, fds, err);
}

/* Answers one packet. False: the channel is of no more use. */
static bool serve_one(struct channel *channel)
{
    int fds[KEYHOLDER_REQUEST_DESCRIPTORS_MAX];
    size_t count = KEYHOLDER_REQUEST_DESCRIPTORS_MAX, received;
    if (!descriptors_receive(channel->socket, channel->request, sizeof channel->request, &received,
                             fds, &count, NULL) ||
        received == 0)
        return false;
    struct slice bytes = slice_of(channel->request, received);
    struct answer *answer = &channel->answer;
    struct error error = {0};
    struct keyholder_reply reply = {.sequence = keyholder_message_sequence(bytes)};
    if (handle(channel, bytes, fds, count, &error)) {
        reply.fields[0] =
            answer->plain.size > 0 ? secret_slice(&answer->plain) : buf_slice(&answer->fields[0]);
        reply.fields[1] = buf_slice(&answer->fields[1]);
    } else {
        log_refusal(&error);
        keyholder_message_from_error(&reply, reply.sequence, &error);
    }
    for (size_t i = 0; i < count; i++)
        file_close(&fds[i]);
    bool sent = send_reply(channel->socket, &reply);
    answer_reset(answer);
    return sent;
}

static void *serve(void *context)
{
    struct channel *channel = context;
    answer_init(&channel->answer);
    while (serve_one(channel))
        ;
    answer_done(&channel->answer);
    /* The peer learns of the end at once; the number stays taken until nobody uses it any more. */
    shutdown(channel->socket, SHUT_RDWR);
    return NULL;
}

static bool start(struct channel *channel, struct error *err)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int failed = pthread_create(&channel->thread, &attributes, serve, channel);
    pthread_attr_destroy(&attributes);
    if (failed != 0)
        return error_set_errno(err, &process_spawn, failed, "keyholder",
                               "a thread for channel %u cannot be started", channel->worker);
    return true;
}

/* Serves all channels to their end. When one cannot be served, none is. */
static bool serve_all(struct channel *channels, size_t count, struct error *err)
{
    size_t started = 0;
    while (started < count && start(&channels[started], err))
        started++;
    for (size_t i = 0; i < started && started < count; i++)
        shutdown(channels[i].socket, SHUT_RDWR);
    for (size_t i = 0; i < started; i++)
        pthread_join(channels[i].thread, NULL);
    return started == count;
}

/*
 * Libraries load what they need at first use, and later there are no files any more: so everything
 * is used once before.
 */
static bool warm_up(struct error *err)
{
    uint8_t sealing_key[32];
    random_bytes(sealing_key, sizeof sealing_key);
    struct slice sealing = slice_of(sealing_key, sizeof sealing_key);
    _cleanup_private_key_ struct private_key *made = NULL, *opened = NULL;
    _cleanup_buf_ struct buf sealed, signature;
    buf_init(&sealed, KEYHOLDER_SEALED_MAX);
    buf_init(&signature, KEYHOLDER_SEALED_MAX);
    if (!private_key_generate(&made, PRIVATE_KEY_P256, err))
        return false;
    sealed_format(&sealed, sealing, KEY_PURPOSE_AUDIT, made);
    enum key_purpose purpose;
    _cleanup_secret_ struct secret derived = SECRET_EMPTY;
    return sealed_parse(&opened, &purpose, sealing, buf_slice(&sealed), err) &&
           private_key_sign_digest(&signature, opened, SIGNATURE_ECDSA_SHA256, sealing, err) &&
           kdf_scrypt(&derived, sealing, sealing, 1024, 8, 1, 32, err);
}

static void prepare_process(void)
{
    /* A closed pipe or full disk behind a descriptor is an error of one request. A terminal's ^C
     * and the supervisor's SIGHUP are not for us: we end when the service does. */
    static const int ignored[] = {SIGPIPE, SIGXFSZ, SIGHUP, SIGINT};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    struct rlimit locked;
    if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0) {
        locked.rlim_cur = locked.rlim_max;
        setrlimit(RLIMIT_MEMLOCK, &locked);
    }
}

/* Everything that needs files. */
static bool open_folder(struct answer_context *context, const char *folder, struct error *err)
{
    _cleanup_secret_ struct secret cluster_key = SECRET_EMPTY;
    if (!cluster_key_open(&cluster_key, folder, err) || !permit_open(&context->permit, folder, err))
        return false;
    cluster_key_derive(&context->sealing_key, secret_slice(&cluster_key), CLUSTER_KEY_SEAL);
    kdf_hkdf_extract(&context->derivation_key, SLICE_EMPTY, secret_slice(&cluster_key));
    return true;
}

/* Up to the point from which there are no files. */
static bool prepare(struct answer_context *context, const struct keyholder_process_options *options,
                    struct error *err)
{
    return (!options->sandbox || sandbox_undumpable(err)) &&
           open_folder(context, options->folder, err) && warm_up(err) &&
           (!options->sandbox || sandbox_keyholder(err));
}

bool keyholder_process_run(const struct keyholder_process_options *options, struct error *err)
{
    prepare_process();
    struct answer_context context = {.permit = {.fd = -1}};
    pthread_mutex_init(&context.backup_lock, NULL);
    context.keyring = keyring_new();
    size_t count = (size_t)options->channel_count;
    _cleanup_free_ struct channel *channels = memory_allocate_zero(count, sizeof *channels);
    for (size_t i = 0; i < count; i++) {
        channels[i].context = &context;
        channels[i].worker = (unsigned)i;
        channels[i].socket = options->channels[i];
    }
    bool ok = prepare(&context, options, err) && serve_all(channels, count, err);
    for (size_t i = 0; i < count; i++)
        file_close(&channels[i].socket);
    keyring_free(&context.keyring);
    secret_done(&context.sealing_key);
    secret_done(&context.derivation_key);
    permit_close(&context.permit);
    pthread_mutex_destroy(&context.backup_lock);
    return ok;
}
