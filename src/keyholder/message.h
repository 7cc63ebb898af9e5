/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The fixed messages between the service and a keyholder, as bytes; pure. One request and one reply
 * are one packet each of a SOCK_SEQPACKET socket; descriptors travel beside a request. All numbers
 * are little-endian.
 *
 *   request: u32 sequence, u8 opcode, u8 purpose, u8 parameter, u8 0, 32 bytes key id, payload
 *   reply:   u32 sequence, u8 failed, u8 0, 3 × u16 size, three fields of those sizes
 *
 * A field that the opcode does not use is zero. The keyholder takes every request for hostile:
 * whatever is not exactly one of these messages is refused whole (keyholder.message).
 *
 *   opcode       uses                 payload                        descriptors
 *   generate     purpose, key kind
 *   import       purpose                                             meeting
 *   load                              sealed key
 *   forget       key id
 *   sign         key id, algorithm    digest, exactly its size
 *   decrypt      key id, algorithm    ciphertext
 *   checkpoint   key id               u64 sequence, head, i64 time
 *   backup                                                           meeting, in
 *   restore                                                          meeting, document
 *   derive       label                u64 epoch
 *   request      key id               CertificationRequestInfo
 *   roll         key id, algorithm    u8 signature algorithm, signing key id, digest, ciphertext
 *   reference    purpose              thumbprint: 20 or 32 bytes
 *   expect       purpose              u16 size of the URI, URI, public key
 *   find         purpose              URI
 *   make         purpose, key kind    URI
 *   unlock                                                           meeting
 *   check
 *
 * The last five are answered by the keyholder of a token, which answers only forget, sign, decrypt,
 * roll and request besides; the keyholder of software keys does not answer them.
 *
 * A meeting is where the files of an administrator are got (meeting.h).
 *
 * Reply fields: generate: public key, sealed key; import: certificate, sealed key; load: public
 * key; reference: certificate; sign, checkpoint and request: signature; roll: signature, u8 whether
 * it decrypted; find: public key, certificate (may be empty), and three times u32, signatures,
 * encryptions, raw (token.h); make: public key; check: what the token calls itself, and a text of
 * maker, serial number and the like. What is secret is in the third: decrypt and roll: plaintext;
 * derive: key. When failed: code name, object, message.
 */

#include "keyholder/keyholder.h"

#define KEYHOLDER_REQUEST_HEAD 40
#define KEYHOLDER_REQUEST_MAX 16384
#define KEYHOLDER_REPLY_HEAD 12
#define KEYHOLDER_REPLY_MAX 32768
#define KEYHOLDER_CIPHERTEXT_MAX 1024 /* RSA of 8192 bits */
#define KEYHOLDER_CHECKPOINT_SIZE 48
#define KEYHOLDER_EPOCH_SIZE 8
#define KEYHOLDER_REQUEST_INFO_MAX 8192
#define KEYHOLDER_SHA1_SIZE 20 /* thumbprints */
#define KEYHOLDER_SHA256_SIZE 32
#define KEYHOLDER_REQUEST_DESCRIPTORS_MAX 2
#define KEYHOLDER_URI_MAX 1024
#define KEYHOLDER_EXPECT_MAX 4096
#define KEYHOLDER_ABILITIES_SIZE 12

enum keyholder_opcode {
    KEYHOLDER_GENERATE = 1,
    KEYHOLDER_IMPORT = 2,
    KEYHOLDER_LOAD = 3,
    KEYHOLDER_FORGET = 4,
    KEYHOLDER_SIGN = 5,
    KEYHOLDER_DECRYPT = 6,
    KEYHOLDER_CHECKPOINT = 7,
    KEYHOLDER_BACKUP = 8,
    KEYHOLDER_RESTORE = 9,
    KEYHOLDER_DERIVE = 10,
    KEYHOLDER_REQUEST = 11,
    KEYHOLDER_ROLL = 12,
    KEYHOLDER_REFERENCE = 13,
    KEYHOLDER_EXPECT = 14,
    KEYHOLDER_FIND = 15,
    KEYHOLDER_MAKE = 16,
    KEYHOLDER_UNLOCK = 17,
    KEYHOLDER_CHECK = 18,
};

struct keyholder_request {
    uint32_t sequence; /* the reply bears the same */
    enum keyholder_opcode opcode;
    enum key_purpose purpose;             /* generate, import, reference, expect, find, make */
    enum private_key_kind kind;           /* generate, make */
    enum signature_algorithm signature;   /* sign */
    enum encryption_algorithm encryption; /* decrypt, roll */
    enum keyholder_label label;           /* derive */
    uint8_t key_id[KEY_ID_SIZE];
    struct slice payload; /* borrowed */
};

#define KEYHOLDER_REPLY_FIELDS 3

struct keyholder_reply {
    uint32_t sequence;
    bool failed;
    struct slice fields[KEYHOLDER_REPLY_FIELDS]; /* borrowed */
};

/* The payload of a roll; its key id and algorithm are those that decrypt. */
struct keyholder_roll_payload {
    enum signature_algorithm signature;
    const uint8_t *signing_key_id; /* KEY_ID_SIZE bytes; borrowed, as what follows */
    struct slice digest;           /* exactly signature's */
    struct slice ciphertext;
};
#define KEYHOLDER_ROLL_MAX (1 + KEY_ID_SIZE + DIGEST_SIZE_MAX + KEYHOLDER_CIPHERTEXT_MAX)

struct keyholder_checkpoint {
    uint64_t sequence;
    uint8_t head[32];
    int64_t time;
};

/* Reads a request, all of it; keyholder.message. */
bool keyholder_message_parse_request(struct keyholder_request *out, struct slice bytes,
                                     struct error *err);
/* How many descriptors must come with a request that was parsed. */
size_t keyholder_message_descriptors(const struct keyholder_request *request);
/* The head of a request; request->payload follows it in the packet. */
void keyholder_message_format_request(uint8_t head[KEYHOLDER_REQUEST_HEAD],
                                      const struct keyholder_request *request);
/* The sequence number of a request, for the reply that refuses it; 0 when it is not even that long.
 */
uint32_t keyholder_message_sequence(struct slice bytes);

/* Reads a reply, all of it; keyholder.message. */
bool keyholder_message_parse_reply(struct keyholder_reply *out, struct slice bytes,
                                   struct error *err);
/* The head of a reply; its fields follow in the packet. Each is at most 65535 bytes. */
void keyholder_message_format_reply(uint8_t head[KEYHOLDER_REPLY_HEAD],
                                    const struct keyholder_reply *reply);

/* A failed reply that carries err, whose texts it borrows. */
void keyholder_message_from_error(struct keyholder_reply *out, uint32_t sequence,
                                  const struct error *err);
/* Sets err to what a failed reply carries, and returns false. A code that this program does not
 * know becomes crypto.internal. */
bool keyholder_message_to_error(const struct keyholder_reply *reply, struct error *err);

/* The payload of a checkpoint request: KEYHOLDER_CHECKPOINT_SIZE bytes, which parsing a request has
 * made sure of. */
void keyholder_message_format_checkpoint(uint8_t out[KEYHOLDER_CHECKPOINT_SIZE],
                                         const struct keyholder_checkpoint *checkpoint);
void keyholder_message_parse_checkpoint(struct keyholder_checkpoint *out, struct slice payload);
/* The payload of a roll; roll's digest and ciphertext have their sizes. Returns its size. */
size_t keyholder_message_format_roll(uint8_t out[KEYHOLDER_ROLL_MAX],
                                     const struct keyholder_roll_payload *roll);
/* keyholder.message; never for the payload of a request that was parsed. */
bool keyholder_message_parse_roll(struct keyholder_roll_payload *out, struct slice payload,
                                  struct error *err);
/* The payload of a derive request, as of a checkpoint. */
void keyholder_message_format_epoch(uint8_t out[KEYHOLDER_EPOCH_SIZE], uint64_t epoch);
uint64_t keyholder_message_parse_epoch(struct slice payload);
/* The payload of an expect request, appended: the URI has at most KEYHOLDER_URI_MAX bytes. */
void keyholder_message_format_expect(struct buf *out, const char *uri, struct slice public_key);
/* The same taken apart; uri: a buffer of KEYHOLDER_URI_MAX + 1 bytes. keyholder.message. */
bool keyholder_message_parse_expect(char uri[KEYHOLDER_URI_MAX + 1], struct slice *public_key,
                                    struct slice payload, struct error *err);
