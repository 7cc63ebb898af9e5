/* SPDX-License-Identifier: Apache-2.0 */
#include "simulated_tpm.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"
#include "crypto/random.h"
#include "simulated_endorsement.h"

#define must(condition)   \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

#define CC_CREATE_PRIMARY 0x131
#define CC_FLUSH_CONTEXT 0x165
#define CC_READ_PUBLIC 0x173
#define CC_START_AUTH_SESSION 0x176
#define CC_PCR_READ 0x17e

#define RC_FAILURE 0x101
#define RC_COMMAND_SIZE 0x142
#define RC_COMMAND_CODE 0x143
#define RC_SESSION_MEMORY 0x903
#define RC_HANDLE 0x18b
#define RC_VALUE 0x1c4
#define RC_BAD_AUTH 0x9a2

#define RH_NULL 0x40000007
#define ENDORSEMENT_HANDLE 0x81010001
#define SESSION_HANDLE 0x02000000
#define OBJECT_HANDLE 0x80000000
#define SLOTS 3

struct session {
    bool used;
    uint8_t key[32], nonce_tpm[32];
};

struct object {
    bool used;
    struct buf area; /* TPMT_PUBLIC */
};

#define NONCES 32

struct simulated_tpm {
    struct simulated_key endorsement;
    struct buf public_area, certificate;
    struct tpm_pcr_bank pcrs;
    uint32_t update_counter;
    enum simulated_lie lie;
    struct session sessions[SLOTS];
    struct object objects[SLOTS];
    bool created;
    /* The secret of the last salt, so that several sessions with one salt cost one decryption. */
    struct buf encrypted_salt, salt;
    uint8_t nonces[NONCES][32]; /* drawn ahead */
    size_t nonces_left;
};

/* A command taken apart, and what is answered. */
struct exchange {
    uint32_t code, handles[2];
    struct slice parameters;
    struct session *session; /* NULL: none */
    uint8_t nonce_caller[32];
    uint8_t attributes;
    uint32_t handle; /* in the response; 0: none */
    struct buf out;  /* its parameters */
};

/* ---- the identity key, one for a process: making one takes as long as a hundred exchanges ---- */

static struct private_key *identity_key;
static pthread_once_t identity_once = PTHREAD_ONCE_INIT;

static void free_identity(void)
{
    private_key_free(&identity_key);
}

static void make_identity(void)
{
    struct error err = {0};
    must(private_key_generate(&identity_key, PRIVATE_KEY_RSA_2048, &err));
    must(atexit(free_identity) == 0);
}

/* The 256 bytes of its modulus: they stand in the RSAPublicKey behind headers of known size. */
static struct slice identity_modulus(void)
{
    must(pthread_once(&identity_once, make_identity) == 0);
    struct slice material = public_key_material(private_key_public(identity_key));
    return slice_of(material.data + 9, 256);
}

/* ---- life ---- */

struct simulated_tpm *simulated_tpm_new(enum simulated_endorsement kind, enum digest_algorithm bank)
{
    struct simulated_tpm *tpm = memory_allocate_zero(1, sizeof *tpm);
    simulated_key_make(&tpm->endorsement, kind);
    buf_init(&tpm->public_area, 1024);
    buf_init(&tpm->certificate, 4096);
    buf_init(&tpm->encrypted_salt, 1024);
    buf_init(&tpm->salt, 1024);
    for (size_t i = 0; i < SLOTS; i++)
        buf_init(&tpm->objects[i].area, 1024);
    simulated_key_format(&tpm->public_area, &tpm->endorsement);
    simulated_key_certify(&tpm->certificate, &tpm->endorsement);
    tpm->pcrs.algorithm = bank;
    tpm->pcrs.present = 0xffffff;
    return tpm;
}

void simulated_tpm_free(struct simulated_tpm **tpm)
{
    if (*tpm == NULL)
        return;
    simulated_key_done(&(*tpm)->endorsement);
    buf_done(&(*tpm)->public_area);
    buf_done(&(*tpm)->certificate);
    buf_done(&(*tpm)->encrypted_salt);
    buf_done(&(*tpm)->salt);
    for (size_t i = 0; i < SLOTS; i++)
        buf_done(&(*tpm)->objects[i].area);
    free(*tpm);
    *tpm = NULL;
}

void simulated_tpm_lie(struct simulated_tpm *tpm, enum simulated_lie lie)
{
    tpm->lie = lie;
}

struct tpm_pcr_bank *simulated_tpm_pcrs(struct simulated_tpm *tpm)
{
    return &tpm->pcrs;
}

void simulated_tpm_extend(struct simulated_tpm *tpm, unsigned pcr, struct slice digest)
{
    struct slice parts[2] = {slice_of(tpm->pcrs.values[pcr], digest.size), digest};
    struct digest extended;
    must(pcr < TPM_PCR_COUNT && digest.size == digest_size(tpm->pcrs.algorithm));
    digest_compute_parts(&extended, tpm->pcrs.algorithm, parts, 2);
    memcpy(tpm->pcrs.values[pcr], extended.value, extended.size);
    tpm->update_counter++;
}

uint32_t simulated_tpm_handle(const struct simulated_tpm *tpm)
{
    (void)tpm;
    return ENDORSEMENT_HANDLE;
}

struct slice simulated_tpm_public(const struct simulated_tpm *tpm)
{
    return buf_slice(&tpm->public_area);
}

struct slice simulated_tpm_certificate(const struct simulated_tpm *tpm)
{
    return buf_slice(&tpm->certificate);
}

size_t simulated_tpm_loaded(const struct simulated_tpm *tpm)
{
    size_t loaded = 0;
    for (size_t i = 0; i < SLOTS; i++)
        loaded += (size_t)tpm->sessions[i].used + tpm->objects[i].used;
    return loaded;
}

const struct private_key *simulated_tpm_identity_key(const struct simulated_tpm *tpm)
{
    return tpm->created ? identity_key : NULL;
}

/* ---- bytes ---- */

static void append_sized(struct buf *out, struct slice bytes)
{
    buf_append_u16_be(out, (uint16_t)bytes.size);
    buf_append(out, bytes);
}

static struct slice read_sized(struct reader *reader)
{
    return reader_bytes(reader, reader_u16_be(reader));
}

/* The Name of a public area: its nameAlg, and its digest with that. */
static void append_name(struct buf *out, struct slice area)
{
    enum digest_algorithm algorithm = (enum digest_algorithm)(area.data[2] << 8 | area.data[3]);
    struct digest digest;
    digest_compute(&digest, algorithm, area);
    buf_append_u16_be(out, (uint16_t)(2 + digest.size));
    buf_append_u16_be(out, (uint16_t)algorithm);
    buf_append(out, digest_slice(&digest));
}

/* ---- commands; each returns a TPM_RC ---- */

static void draw_nonce(struct simulated_tpm *tpm, uint8_t nonce[32])
{
    if (tpm->nonces_left == 0) {
        random_bytes(tpm->nonces, sizeof tpm->nonces);
        tpm->nonces_left = NONCES;
    }
    memcpy(nonce, tpm->nonces[--tpm->nonces_left], 32);
}

static bool find_salt(struct simulated_tpm *tpm, struct slice encrypted)
{
    if (tpm->salt.size > 0 && slice_equal(buf_slice(&tpm->encrypted_salt), encrypted))
        return true;
    buf_reset(&tpm->salt);
    buf_reset(&tpm->encrypted_salt);
    buf_append(&tpm->encrypted_salt, encrypted);
    return simulated_key_salt(&tpm->salt, &tpm->endorsement, encrypted);
}

static uint32_t start_auth_session(struct simulated_tpm *tpm, struct exchange *x)
{
    struct reader reader = reader_of(x->parameters);
    struct slice nonce_caller = read_sized(&reader);
    struct slice encrypted = read_sized(&reader);
    uint8_t type = reader_u8(&reader);
    uint16_t symmetric = reader_u16_be(&reader), hash = reader_u16_be(&reader);
    if (!reader_done(&reader) || type != 0 || symmetric != 0x0010 || hash != 0x000b ||
        nonce_caller.size != 32)
        return RC_VALUE;
    if (x->handles[0] != ENDORSEMENT_HANDLE || x->handles[1] != RH_NULL)
        return RC_HANDLE;
    size_t slot = 0;
    while (slot < SLOTS && tpm->sessions[slot].used)
        slot++;
    if (slot == SLOTS)
        return RC_SESSION_MEMORY;
    if (!find_salt(tpm, encrypted))
        return RC_VALUE;
    struct session *session = &tpm->sessions[slot];
    session->used = true;
    draw_nonce(tpm, session->nonce_tpm);
    simulated_kdfa(session->key, buf_slice(&tpm->salt), "ATH", slice_of(session->nonce_tpm, 32),
                   nonce_caller);
    x->handle = SESSION_HANDLE + (uint32_t)slot;
    append_sized(&x->out,
                 slice_of(session->nonce_tpm, tpm->lie == SIMULATED_NONCE_SHORT ? 16 : 32));
    return 0;
}

static uint32_t without_highest(uint32_t pcrs)
{
    return pcrs & ~(UINT32_C(1) << (31 - __builtin_clz(pcrs)));
}

static uint32_t pcr_read(struct simulated_tpm *tpm, struct exchange *x)
{
    struct reader reader = reader_of(x->parameters);
    uint32_t count = reader_u32_be(&reader);
    uint16_t algorithm = reader_u16_be(&reader);
    uint8_t size = reader_u8(&reader);
    uint32_t pcrs = reader_u8(&reader);
    pcrs |= (uint32_t)reader_u8(&reader) << 8;
    pcrs |= (uint32_t)reader_u8(&reader) << 16;
    if (!reader_done(&reader) || count != 1 || size != 3)
        return RC_VALUE;
    if (algorithm != tpm->pcrs.algorithm)
        pcrs = 0; /* as a TPM does for a bank that is off */
    while (__builtin_popcount(pcrs) > 8)
        pcrs = without_highest(pcrs);
    if (tpm->lie == SIMULATED_SELECTION_SHRUNK && pcrs != 0)
        pcrs = without_highest(pcrs);
    if (tpm->lie == SIMULATED_COUNTER_MOVES)
        tpm->update_counter++;
    buf_append_u32_be(&x->out, tpm->update_counter);
    buf_append_u32_be(&x->out, 1);
    buf_append_u16_be(&x->out, tpm->lie == SIMULATED_SELECTION_BANK ? 0x0004 : algorithm);
    buf_append_u8(&x->out, 3);
    for (unsigned i = 0; i < 3; i++)
        buf_append_u8(&x->out, (uint8_t)(pcrs >> (8 * i)));
    uint32_t values = (uint32_t)__builtin_popcount(pcrs);
    if (tpm->lie == SIMULATED_DIGEST_MISSING && values > 0)
        values--;
    buf_append_u32_be(&x->out, values);
    size_t value_size = tpm->lie == SIMULATED_DIGEST_SIZE ? 20 : digest_size(algorithm);
    for (unsigned i = 0; i < TPM_PCR_COUNT && values > 0; i++)
        if (pcrs >> i & 1) {
            append_sized(&x->out, slice_of(tpm->pcrs.values[i], value_size));
            values--;
        }
    return 0;
}

/* The area that results from a template: the key's modulus for its unique; or what a lie makes of
 * it. The fields of the template stand at fixed places, because there is one kind of them. */
static void make_area(struct simulated_tpm *tpm, struct buf *area, struct slice from)
{
    struct reader reader = reader_of(from);
    struct slice head = reader_bytes(&reader, 4);
    uint32_t attributes = reader_u32_be(&reader);
    struct slice policy = read_sized(&reader);
    struct slice rest = reader_bytes(&reader, 4);
    uint16_t bits = reader_u16_be(&reader);
    struct slice exponent = reader_bytes(&reader, 4);
    bool half = tpm->lie == SIMULATED_UNIQUE_SIZE;
    if (tpm->lie == SIMULATED_FIXED_TPM_CLEAR)
        attributes &= ~UINT32_C(2);
    if (tpm->lie == SIMULATED_USER_WITH_AUTH)
        attributes |= 0x40;
    uint8_t other_policy[32] = {1};
    buf_append(area, head);
    buf_append_u32_be(area, attributes);
    append_sized(area, tpm->lie == SIMULATED_POLICY ? slice_of(other_policy, 32) : policy);
    buf_append(area, rest);
    buf_append_u16_be(area, half ? 1024 : bits);
    buf_append(area, exponent);
    append_sized(area, half ? slice_of(identity_modulus().data, 128) : identity_modulus());
}

static void append_creation(struct buf *out)
{
    struct buf data;
    struct digest nothing, hash;
    buf_init(&data, 256);
    digest_compute(&nothing, DIGEST_SHA256, SLICE_EMPTY);
    buf_append_u32_be(&data, 0); /* pcrSelect */
    append_sized(&data, digest_slice(&nothing));
    buf_append_u8(&data, 1);        /* locality 0 */
    buf_append_u16_be(&data, 0x10); /* parentNameAlg */
    append_sized(&data, slice_of("\x40\0\0\7", 4));
    append_sized(&data, slice_of("\x40\0\0\7", 4));
    append_sized(&data, SLICE_EMPTY); /* outsideInfo */
    append_sized(out, buf_slice(&data));
    digest_compute(&hash, DIGEST_SHA256, buf_slice(&data));
    append_sized(out, digest_slice(&hash));
    buf_append_u16_be(out, 0x8021); /* TPM_ST_CREATION */
    buf_append_u32_be(out, RH_NULL);
    append_sized(out, SLICE_EMPTY);
    buf_done(&data);
}

static uint32_t create_primary(struct simulated_tpm *tpm, struct exchange *x)
{
    struct reader reader = reader_of(x->parameters);
    read_sized(&reader); /* inSensitive */
    struct slice area = read_sized(&reader);
    read_sized(&reader);                              /* outsideInfo */
    uint32_t creation_banks = reader_u32_be(&reader); /* creationPCR */
    if (!reader_done(&reader) || creation_banks != 0 || area.size < 50)
        return RC_VALUE;
    if (x->handles[0] != RH_NULL || x->session == NULL)
        return RC_HANDLE;
    size_t slot = 0;
    while (slot < SLOTS - 1 && tpm->objects[slot].used)
        slot++;
    struct object *object = &tpm->objects[slot];
    object->used = tpm->created = true;
    buf_reset(&object->area);
    make_area(tpm, &object->area, area);
    x->handle = OBJECT_HANDLE + (uint32_t)slot;
    append_sized(&x->out, buf_slice(&object->area));
    append_creation(&x->out);
    append_name(&x->out, tpm->lie == SIMULATED_NAME
                             ? slice_of(tpm->public_area.data + 2, tpm->public_area.size - 2)
                             : buf_slice(&object->area));
    return 0;
}

static struct slice find_area(struct simulated_tpm *tpm, uint32_t handle)
{
    if (handle == ENDORSEMENT_HANDLE)
        return slice_of(tpm->public_area.data + 2, tpm->public_area.size - 2);
    if (handle >= OBJECT_HANDLE && handle < OBJECT_HANDLE + SLOTS &&
        tpm->objects[handle - OBJECT_HANDLE].used)
        return buf_slice(&tpm->objects[handle - OBJECT_HANDLE].area);
    return SLICE_EMPTY;
}

static uint32_t read_public(struct simulated_tpm *tpm, struct exchange *x)
{
    struct slice area = find_area(tpm, x->handles[0]);
    if (area.size == 0)
        return RC_HANDLE;
    append_sized(&x->out, area);
    append_name(&x->out, area);
    append_name(&x->out, area); /* the qualified one, which nobody looks at */
    return 0;
}

static uint32_t flush_context(struct simulated_tpm *tpm, struct exchange *x)
{
    uint32_t handle = x->handles[0];
    if (handle >= SESSION_HANDLE && handle < SESSION_HANDLE + SLOTS &&
        tpm->sessions[handle - SESSION_HANDLE].used)
        tpm->sessions[handle - SESSION_HANDLE].used = false;
    else if (handle >= OBJECT_HANDLE && handle < OBJECT_HANDLE + SLOTS &&
             tpm->objects[handle - OBJECT_HANDLE].used)
        tpm->objects[handle - OBJECT_HANDLE].used = false;
    else
        return RC_HANDLE;
    return 0;
}

static const struct command {
    uint32_t code;
    size_t handles;
    uint32_t (*run)(struct simulated_tpm *tpm, struct exchange *x);
} commands[] = {
    {CC_START_AUTH_SESSION, 2, start_auth_session}, {CC_PCR_READ, 0, pcr_read},
    {CC_CREATE_PRIMARY, 1, create_primary},         {CC_READ_PUBLIC, 1, read_public},
    {CC_FLUSH_CONTEXT, 1, flush_context},
};

/* ---- sessions ---- */

/* cpHash's Names: that of a hierarchy is its handle, that of an object of its area. */
static void hash_command(struct digest *out, struct simulated_tpm *tpm, const struct exchange *x,
                         size_t handles)
{
    struct buf input;
    buf_init(&input, 8192);
    buf_append_u32_be(&input, x->code);
    for (size_t i = 0; i < handles; i++) {
        struct slice area = find_area(tpm, x->handles[i]);
        struct buf name;
        buf_init(&name, 128);
        if (area.size == 0)
            buf_append_u32_be(&input, x->handles[i]);
        else
            append_name(&name, area);
        if (area.size != 0)
            buf_append_bytes(&input, name.data + 2, name.size - 2);
        buf_done(&name);
    }
    buf_append(&input, x->parameters);
    digest_compute(out, DIGEST_SHA256, buf_slice(&input));
    buf_done(&input);
}

static void authenticate(struct digest *out, const uint8_t key[32], const struct digest *hash,
                         const uint8_t first[32], const uint8_t second[32], uint8_t attributes)
{
    uint8_t message[97];
    memcpy(message, hash->value, 32);
    memcpy(message + 32, first, 32);
    memcpy(message + 64, second, 32);
    message[96] = attributes;
    digest_hmac(out, DIGEST_SHA256, slice_of(key, 32), slice_of(message, sizeof message));
}

/* Reads the authorisation area and finds its HMAC right. */
static uint32_t authorise(struct simulated_tpm *tpm, struct exchange *x, size_t handles,
                          struct reader *reader)
{
    struct reader area = reader_of(reader_bytes(reader, reader_u32_be(reader)));
    uint32_t handle = reader_u32_be(&area);
    struct slice nonce = read_sized(&area);
    x->attributes = reader_u8(&area);
    struct slice hmac = read_sized(&area);
    x->parameters = reader->rest;
    if (reader->failed || !reader_done(&area) || nonce.size != 32)
        return RC_COMMAND_SIZE;
    if (handle < SESSION_HANDLE || handle >= SESSION_HANDLE + SLOTS ||
        !tpm->sessions[handle - SESSION_HANDLE].used)
        return RC_HANDLE;
    x->session = &tpm->sessions[handle - SESSION_HANDLE];
    memcpy(x->nonce_caller, nonce.data, 32);
    struct digest hash, expected;
    hash_command(&hash, tpm, x, handles);
    authenticate(&expected, x->session->key, &hash, x->nonce_caller, x->session->nonce_tpm,
                 x->attributes);
    return slice_equal(digest_slice(&expected), hmac) ? 0 : RC_BAD_AUTH;
}

static void append_session(struct simulated_tpm *tpm, struct buf *response,
                           const struct exchange *x)
{
    struct digest hash, hmac;
    struct buf input;
    buf_init(&input, 8192);
    buf_append_u32_be(&input, 0);
    buf_append_u32_be(&input, x->code);
    buf_append(&input, buf_slice(&x->out));
    digest_compute(&hash, DIGEST_SHA256, buf_slice(&input));
    buf_done(&input);
    draw_nonce(tpm, x->session->nonce_tpm);
    /* swtpm says auditExclusive, too; so does this one. */
    uint8_t attributes = tpm->lie == SIMULATED_ATTRIBUTES ? 0 : x->attributes | 0x02;
    uint8_t key[32];
    memcpy(key, x->session->key, 32);
    if (tpm->lie == SIMULATED_OTHER_SESSION)
        key[0] ^= 1;
    authenticate(&hmac, key, &hash, x->session->nonce_tpm, x->nonce_caller, attributes);
    append_sized(response, slice_of(x->session->nonce_tpm, 32));
    buf_append_u8(response, tpm->lie == SIMULATED_ATTRIBUTES_UNSAID ? 0x81 : attributes);
    append_sized(response, digest_slice(&hmac));
    if ((x->attributes & 1) == 0)
        x->session->used = false;
}

/* ---- the bus ---- */

static void answer_code(struct buf *response, uint32_t code)
{
    buf_reset(response);
    buf_append_u16_be(response, 0x8001);
    buf_append_u32_be(response, 10);
    buf_append_u32_be(response, code);
}

static void set_size(struct buf *response, size_t size)
{
    for (int i = 0; i < 4; i++)
        response->data[2 + i] = (uint8_t)(size >> (24 - 8 * i));
}

static void answer(struct simulated_tpm *tpm, struct buf *response, const struct exchange *x)
{
    buf_reset(response);
    buf_append_u16_be(response, x->session != NULL ? 0x8002 : 0x8001);
    buf_append_u32_be(response, 0);
    buf_append_u32_be(response, 0);
    if (x->handle != 0)
        buf_append_u32_be(response, x->handle);
    if (x->session != NULL)
        buf_append_u32_be(response, (uint32_t)x->out.size);
    size_t parameters = response->size;
    buf_append(response, buf_slice(&x->out));
    if (x->session != NULL)
        append_session(tpm, response, x);
    if (tpm->lie == SIMULATED_PARAMETERS && x->session != NULL)
        response->data[parameters + 3] ^= 1;
    if (tpm->lie == SIMULATED_EXTERNAL_KEY && x->code == CC_CREATE_PRIMARY)
        response->data[parameters + 2 + 100] ^= 1; /* in the modulus */
    if (tpm->lie == SIMULATED_TRAILING)
        buf_append_u8(response, 0);
    set_size(response, response->size + (tpm->lie == SIMULATED_SIZE));
}

static uint32_t run(struct simulated_tpm *tpm, struct exchange *x, struct slice command)
{
    struct reader reader = reader_of(command);
    uint16_t tag = reader_u16_be(&reader);
    uint32_t size = reader_u32_be(&reader);
    x->code = reader_u32_be(&reader);
    if (reader.failed || size != command.size)
        return RC_COMMAND_SIZE;
    size_t row = 0;
    while (row < sizeof commands / sizeof commands[0] && commands[row].code != x->code)
        row++;
    if (row == sizeof commands / sizeof commands[0])
        return RC_COMMAND_CODE;
    for (size_t i = 0; i < commands[row].handles; i++)
        x->handles[i] = reader_u32_be(&reader);
    if (reader.failed)
        return RC_COMMAND_SIZE;
    x->parameters = reader.rest;
    if (tag == 0x8002) {
        uint32_t code = authorise(tpm, x, commands[row].handles, &reader);
        if (code != 0)
            return code;
    }
    return tpm->lie == SIMULATED_RESPONSE_CODE ? RC_FAILURE : commands[row].run(tpm, x);
}

void simulated_tpm_execute(struct simulated_tpm *tpm, struct slice command, struct buf *response)
{
    struct exchange x = {0};
    buf_init(&x.out, 4096);
    uint32_t code = run(tpm, &x, command);
    if (code != 0)
        answer_code(response, code);
    else
        answer(tpm, response, &x);
    buf_done(&x.out);
}
