/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The folder in which a node has its own copies of certificates and private keys ([keyholder]
 * key-folder of hgsd.conf), and the search in it. An administrator puts files there, called as he
 * likes: certificates in PEM or DER, private keys in PEM without a password, one a file, the two in
 * one file or in two. A certificate is found by its thumbprint, its key by the public half. Where
 * the key cannot be found, people look for it in the certificate's own file, or in the one beside
 * it whose name ends in ".key" instead; so these are spoken of first.
 *
 * Links are not followed, other folders and names that begin with a dot not looked at, and the
 * first KEY_FOLDER_FILES_MAX names in alphabetical order are all that are. A file that others than
 * its owner and group may read is no place for a private key.
 */

#include "crypto/certificate.h"
#include "crypto/private_key.h"

#define KEY_FOLDER_FILES_MAX 256
#define KEY_FOLDER_FILE_SIZE_MAX (64u * 1024)

struct key_folder {
    char *path; /* NULL: there is none */
    char user[64];
};

/* Where the two were found; owned. */
struct key_folder_place {
    char *certificate_file;
    char *key_file;
};
void key_folder_place_done(struct key_folder_place *place);
#define _cleanup_key_folder_place_ __attribute__((cleanup(key_folder_place_done)))

/* path may be NULL. Asks who this process is, for messages: before the sandbox closes. */
void key_folder_init(struct key_folder *folder, const char *path);
void key_folder_done(struct key_folder *folder);

/*
 * The certificate with this thumbprint (SHA-256, or SHA-1: by its size) and its private key; each
 * error names thumbprint, user, file and mode. keyholder.key-folder; keyholder.file-missing,
 * keyholder.file-unreadable, keyholder.file-exposed, keyholder.file-unfit; crypto.key-mismatch for
 * a key beside the certificate that is not its own; errors of crypto/ for the certificate. place
 * may be NULL; what it holds of a certificate whose key was not found is to be freed, too.
 */
bool key_folder_find(struct private_key **key, struct certificate **certificate,
                     struct key_folder_place *place, const struct key_folder *folder,
                     struct slice thumbprint, struct error *err);
