/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One token of one PKCS#11 module (OASIS PKCS#11 v2.40), as the process that holds its keys uses
 * it. Private keys never leave the token: they sign and decrypt there through its native
 * mechanisms, and what it answers is believed only as far as it can be checked.
 *
 * The token may be away: opening needs the module alone, and every operation finds the token, logs
 * in and finds its key as far as that has not been done, or has been undone: a lost session, a
 * token taken out and put back (into another slot), a restarted HSM, a module that must be
 * initialised again. An operation that meets such a loss is tried once more; when that fails too it
 * is refused with an error of kind ERROR_UNAVAILABLE, and the next one begins anew.
 *
 * The PIN is spent with care. Before a login the token's flags are read: a locked PIN is not tried,
 * nor is the last try before the lock (token.pin-locked, token.pin-last-try), and a PIN that was
 * refused is not tried again until another one is given (token.pin-wrong), nor by the process that
 * comes after this one (refused_pins.h).
 *
 * Threads: an operation takes a session, that of its worker's number or any that is free. Nothing
 * else that it needs is locked while another thread is in the module, so a call that never returns
 * costs one session; who finds none, or needs what another thread is mending, waits a bounded time
 * (token.busy). A module that crashes takes the process with it. A token is not used across fork.
 */

#include "keyholder/keyring.h"
#include "keyholder/refused_pins.h"

#define TOKEN_WORKERS_MAX 64
#define TOKEN_PIN_MAX 255
/* The longest that an operation waits for its turn at a session or at mending (token.busy). */
#define TOKEN_WAIT_MS 2000

struct token_options {
    const char *module;       /* absolute path of the PKCS#11 module (a shared library) */
    const char *uri;          /* which token: token_uri_check_token() */
    const struct secret *pin; /* the user PIN; NULL or empty where the token asks for none */
    /* Sessions, 1 to TOKEN_WORKERS_MAX. Where there are more threads, they take turns. */
    unsigned workers;
    bool raw_rsa; /* OAEP may be done by CKM_RSA_X_509 where the token does not know it */
    /* Borrowed; what other processes of this token found out, and ours does. NULL: nobody asks. */
    struct refused_pins *refused_pins;
};

struct token;     /* thread-safe */
struct token_key; /* thread-safe; lives no longer than its token */

/*
 * Loads the module and initialises it; the token itself need not be there. Everything of the
 * options is copied. token.uri, token.uri-secret, token.module; token.failed (ERROR_UNAVAILABLE),
 * when the module does not want to be initialised, as some do while their HSM is away.
 */
bool token_open(struct token **out, const struct token_options *options, struct error *err);
/* Logs out and unloads the module. Its keys have been freed, no operation is under way. */
void token_close(struct token **token);
#define _cleanup_token_ __attribute__((cleanup(token_close)))

/* Another PIN (copied), of an administrator: it will be tried, once, even if it is one that was
 * refused. */
void token_set_pin(struct token *token, const struct secret *pin);

/* The texts that a token tells about itself, without padding and control characters. */
struct token_description {
    char label[33], serial[17], manufacturer[33], model[17];
    uint64_t slot;
    bool login; /* it wants a PIN */
};

/*
 * Whether the token is there and lets us in; *out (may be NULL) is what it calls itself. All of
 * kind ERROR_UNAVAILABLE: token.absent, token.ambiguous (several answer to the URI), token.unready
 * (not initialised, no user PIN), token.pin-missing, token.pin-wrong, token.pin-locked,
 * token.pin-last-try, token.pin-expired, token.busy (no session to be had), token.lost,
 * token.failed (another CKR_ code; it is named); and token.pin-pad (ERROR_UNSUPPORTED), when the
 * PIN is to be typed at the token itself.
 */
bool token_check(struct token *token, unsigned worker, struct token_description *out,
                 struct error *err);

/*
 * The private key that uri names (token_uri_check_key()), for a purpose that decides whether it
 * must sign or decrypt. Its public key is read from the private key object, or else from a public
 * key or certificate with the same CKA_ID. Errors of token_check, and token.uri, token.uri-secret;
 * token.key-missing; token.key-ambiguous (several keys answer to the URI, or several certificates
 * to the key's CKA_ID); token.key-unsupported (not RSA, fewer than 2048 or more than 8192 bits, no
 * public key to be found); token.key-usage (CKA_SIGN or CKA_DECRYPT is false). The object is the
 * URI.
 */
bool token_key_open(struct token_key **out, struct token *token, unsigned worker, const char *uri,
                    enum key_purpose purpose, struct error *err);
/*
 * The same without asking the token, which may be away: public_key (a reference is taken) is the
 * one of its certificate, and the key is looked for when it is used first. Should another key lie
 * under the URI then: token.key-changed. token.uri, token.uri-secret, crypto.key-*.
 */
bool token_key_expect(struct token_key **out, struct token *token, const char *uri,
                      enum key_purpose purpose, struct public_key *public_key, struct error *err);
void token_key_free(struct token_key **key);
#define _cleanup_token_key_ __attribute__((cleanup(token_key_free)))

/* Borrowed. */
const struct public_key *token_key_public(const struct token_key *key);

/*
 * The certificate that the token has for the key (same CKA_ID, and this public key), DER, appended
 * to out. Errors of token_key_open; token.certificate-missing.
 */
bool token_key_certificate(struct token_key *key, unsigned worker, struct buf *out,
                           struct error *err);

/* What a key was seen to do: bits 1u << enum signature_algorithm and 1u << enum
 * encryption_algorithm. */
struct token_abilities {
    uint32_t signatures;
    uint32_t encryptions;
    uint32_t raw; /* those of encryptions that are done by raw RSA */
};

/*
 * The self-test: the key signs and decrypts with everything that its purpose allows; signatures are
 * verified, and what was encrypted here is compared. Whatever the token refuses is no ability;
 * whatever it answers wrongly refuses the key (token.wrong-answer). token.mechanism when nothing is
 * left that the purpose needs: a signing key must do rsa-pkcs1-sha256, an encryption key one of
 * OAEP with SHA-256 or SHA-1. Errors of token_check: the token went away meanwhile, nothing is
 * known.
 */
bool token_key_probe(struct token_key *key, unsigned worker, struct token_abilities *out,
                     struct error *err);

/*
 * A new RSA key pair in the token under the URI's object= and id= (what it does not say is made up:
 * an id at random, a label that writes the id), not extractable. A signing key does not decrypt; an
 * encryption key signs too, because it signs the request for its certificate. bits: 2048, 3072 or
 * 4096. Nothing is left behind on failure, or the message says so. token.key-exists;
 * token.mechanism; errors of token_check and token_key_open.
 */
bool token_key_generate(struct token_key **out, struct token *token, unsigned worker,
                        const char *uri, enum key_purpose purpose, int bits, struct error *err);

/*
 * For keyring_add; the key is a struct token_key *, which the keyring takes over.
 *
 * Signatures are verified before they are given out (token.wrong-answer). A ciphertext that does
 * not decrypt is crypto.decryption-failed, which says nothing about why. token.mechanism for what
 * the token does not do, token.key-usage for what it does not let this key do; errors of
 * token_check; token.key-changed.
 */
extern const struct key_operations token_operations;
