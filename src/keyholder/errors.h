/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of keyholder/. */

#include "base/error.h"

#define KEYHOLDER_ERRORS(X)                                                                       \
    X(keyholder_away, "keyholder.away", ERROR_UNAVAILABLE,                                        \
      "the process that holds the private keys does not answer; it is being started again",       \
      "try again in a moment; if it persists, see why it stops: journalctl -u hgsd")              \
    X(keyholder_stuck, "keyholder.stuck", ERROR_UNAVAILABLE,                                      \
      "the process that holds the private keys runs, and did not answer in time",                 \
      "try again in a minute: after three such waits it is ended and started again. If it "       \
      "persists, see what holds it up: ps -C hgsd -o pid,stat,wchan:20,args (T: somebody "        \
      "stopped it; D: a disk does not answer), and journalctl -u hgsd")                           \
    X(keyholder_token_away, "keyholder.token-away", ERROR_UNAVAILABLE,                            \
      "the process that serves a PKCS#11 token is not there, or has not been told of its keys "   \
      "yet; it is being started again",                                                           \
      "see what keeps it: hgsctl server show, and journalctl -u hgsd; where no [token] section "  \
      "of hgsd.conf has the token, add one and start hgsd again")                                 \
    X(keyholder_token_stuck, "keyholder.token-stuck", ERROR_UNAVAILABLE,                          \
      "the process that serves a PKCS#11 token runs, and did not answer in time: its module "     \
      "waits for the HSM, or hangs",                                                              \
      "see whether the HSM answers at all (pkcs11-tool --module PATH -L) and its log. After "     \
      "three such waits the process is ended and started again; an HSM that is only slow needs "  \
      "a longer timeout in [token NAME] of hgsd.conf")                                            \
    X(keyholder_key_unknown, "keyholder.key-unknown", ERROR_NOT_FOUND,                            \
      "the keyholder has no such key loaded",                                                     \
      "see which keys do not work, and why: hgsctl server test")                                  \
    X(keyholder_purpose, "keyholder.purpose", ERROR_UNAUTHORIZED,                                 \
      "a key was asked for something that it is not meant for",                                   \
      "this is a fault of the service, or an attack on it: report it with the audit trail")       \
    X(keyholder_message, "keyholder.message", ERROR_MALFORMED,                                    \
      "a message to or from the keyholder is malformed",                                          \
      "this is a fault of the service, or an attack on it: report it with the log")               \
    X(keyholder_sealed, "keyholder.sealed", ERROR_INVALID,                                        \
      "a sealed key does not open with this node's cluster key",                                  \
      "restore cluster.key of this cluster to the keyholder's folder, or import a backup "        \
      "(hgsctl state import)")                                                                    \
    X(keyholder_cluster_key, "keyholder.cluster-key", ERROR_IO,                                   \
      "the cluster key cannot be read or made",                                                   \
      "check owner and mode (0600) of cluster.key in the keyholder's folder and of the folder")   \
    X(keyholder_limit, "keyholder.limit", ERROR_LIMIT,                                            \
      "the keyholder holds as many keys as it may",                                               \
      "remove certificates that nobody uses: hgsctl certificate list")                            \
    X(keyholder_permit, "keyholder.permit", ERROR_UNAUTHORIZED,                                   \
      "a backup of the private keys was asked for without proof that an administrator wants it",  \
      "run the export as root or as the keyholder's user, who can open export.permit in the "     \
      "keyholder's folder")                                                                       \
    X(keyholder_meeting, "keyholder.meeting", ERROR_UNAVAILABLE,                                  \
      "the files that an administrator gives did not reach the keyholder",                        \
      "run the command again; it must be of the same version as the service")                     \
    X(keyholder_impostor, "keyholder.impostor", ERROR_UNAUTHORIZED,                               \
      "another process than the keyholder asked for private files; it got none",                  \
      "treat the service as taken over: stop it, and look into the audit trail and the log. If "  \
      "/proc hides the processes of others from you, run the command as root")                    \
    X(keyholder_key_folder, "keyholder.key-folder", ERROR_IO,                                     \
      "the folder with this node's key files cannot be read",                                     \
      "name it in [keyholder] key-folder of hgsd.conf, and let the keyholder's user read it: "    \
      "hgsctl certificate permission THUMBPRINT --grant")                                         \
    X(keyholder_file_missing, "keyholder.file-missing", ERROR_NOT_FOUND,                          \
      "this node's key folder has no copy of a certificate or of its private key",                \
      "put both into the folder, as NAME.crt and NAME.key; then hgsctl server test")              \
    X(keyholder_file_unreadable, "keyholder.file-unreadable", ERROR_IO,                           \
      "the keyholder's user may not read a file of the key folder",                               \
      "give it that, as root or the file's owner: hgsctl certificate permission THUMBPRINT "      \
      "--grant")                                                                                  \
    X(keyholder_file_exposed, "keyholder.file-exposed", ERROR_INVALID,                            \
      "everybody on this machine may read or change a private key",                               \
      "close the file (chmod o= FILE), and think about a new key: who may have copied this one?") \
    X(keyholder_file_unfit, "keyholder.file-unfit", ERROR_INVALID,                                \
      "a file of the key folder cannot give its private key",                                     \
      "put it there as a file of its own and no link, in PEM without a password: openssl pkey "   \
      "-in FILE -out NEW")                                                                        \
    X(backup_malformed, "backup.malformed", ERROR_MALFORMED,                                      \
      "a file is not a backup of this project, or was damaged or cut",                            \
      "use another copy; nothing was changed")                                                    \
    X(backup_newer, "backup.newer", ERROR_UNSUPPORTED,                                            \
      "a backup was written by a newer version of this project",                                  \
      "install that version or a newer one, and import again; nothing was changed")               \
    X(backup_password, "backup.password", ERROR_UNAUTHORIZED,                                     \
      "the password does not open the backup, or the backup was altered",                         \
      "try again with the password that was given to state export; nothing was changed")          \
    X(token_uri_invalid, "token.uri", ERROR_USAGE,                                                \
      "a PKCS#11 URI cannot be read, or does not name what it should",                            \
      "write a token as pkcs11:token=NAME and a key as pkcs11:token=NAME;object=LABEL"            \
      " or with id=%01%02 (RFC 7512); p11tool --list-all shows them")                             \
    X(token_uri_secret, "token.uri-secret", ERROR_USAGE,                                          \
      "a PKCS#11 URI holds a PIN, or says where one is",                                          \
      "take pin-value and pin-source out of it, change the PIN if others may have "               \
      "seen it, and give the PIN in a file that the configuration names")                         \
    X(token_module, "token.module", ERROR_IO, "a PKCS#11 module cannot be loaded, or is none",    \
      "check the module's path, its owner and mode, and that the HSM's client "                   \
      "software is set up (pkcs11-tool --module PATH -L)")                                        \
    X(token_absent, "token.absent", ERROR_UNAVAILABLE, "the token is not there",                  \
      "connect or start the HSM, and see that its client finds it (pkcs11-tool "                  \
      "--module PATH -L); nothing need be restarted")                                             \
    X(token_ambiguous, "token.ambiguous", ERROR_UNAVAILABLE,                                      \
      "several tokens answer to one PKCS#11 URI",                                                 \
      "add serial= of the one that is meant to the URI")                                          \
    X(token_unready, "token.unready", ERROR_UNAVAILABLE,                                          \
      "the token is not initialised, or has no user PIN",                                         \
      "initialise it with the HSM's own tool, or with pkcs11-tool --init-token and "              \
      "--init-pin")                                                                               \
    X(token_lost, "token.lost", ERROR_UNAVAILABLE,                                                \
      "the token went away in the middle of an operation, and again when it was tried"            \
      " once more",                                                                               \
      "try again in a moment; if it persists, see the HSM's own log")                             \
    X(token_busy, "token.busy", ERROR_UNAVAILABLE,                                                \
      "the token has no session free, or another operation is just connecting to it "             \
      "again",                                                                                    \
      "try again in a moment; if it persists, allow more sessions in the HSM or "                 \
      "configure fewer for the service")                                                          \
    X(token_failed, "token.failed", ERROR_UNAVAILABLE,                                            \
      "the token refused an operation with an error of its own",                                  \
      "look the CKR_ code up in the HSM's manual and its log; try again")                         \
    X(token_pin_missing, "token.pin-missing", ERROR_UNAVAILABLE,                                  \
      "the token asks for a PIN, and none is configured",                                         \
      "give it: hgsctl token unlock NAME; or put it into a file that only root and the "          \
      "keyholder can read, and name that in [token NAME] of hgsd.conf")                           \
    X(token_pin_wrong, "token.pin-wrong", ERROR_UNAVAILABLE,                                      \
      "the token refused the PIN; it is not tried again, lest the token be locked",               \
      "give the right one: hgsctl token unlock NAME; or correct its file (a newline at the end "  \
      "is no part of it) and start hgsd again")                                                   \
    X(token_pin_last_try, "token.pin-last-try", ERROR_UNAVAILABLE,                                \
      "one more wrong PIN would lock the token, so it is not tried",                              \
      "log in once with the right PIN by the HSM's own tool, which sets the count "               \
      "back; then try again")                                                                     \
    X(token_pin_locked, "token.pin-locked", ERROR_UNAVAILABLE,                                    \
      "the token's user PIN is locked after too many wrong ones",                                 \
      "unlock it as security officer by the HSM's own tool (pkcs11-tool --init-pin); "            \
      "then hgsctl token unlock NAME")                                                            \
    X(token_pin_expired, "token.pin-expired", ERROR_UNAVAILABLE,                                  \
      "the token wants its user PIN changed before it is used",                                   \
      "change it by the HSM's own tool (pkcs11-tool --change-pin), and give the "                 \
      "service the new one")                                                                      \
    X(token_pin_pad, "token.pin-pad", ERROR_UNSUPPORTED,                                          \
      "the token wants its PIN typed at a pad of its own, which a service cannot do",             \
      "use a token or a slot whose PIN is given by software")                                     \
    X(token_key_missing, "token.key-missing", ERROR_NOT_FOUND,                                    \
      "the token has no private key of that name that the user may see",                          \
      "list the keys after a login: p11tool --login --list-all, and compare object= "             \
      "and id=")                                                                                  \
    X(token_key_ambiguous, "token.key-ambiguous", ERROR_CONFLICT,                                 \
      "several objects of the token answer to one PKCS#11 URI",                                   \
      "name the key by its id= as well as by object=; two keys with the same label "              \
      "and id need one of them renamed")                                                          \
    X(token_key_unsupported, "token.key-unsupported", ERROR_INVALID,                              \
      "a key of the token is not RSA of 2048 to 8192 bits, or does not tell its "                 \
      "public key",                                                                               \
      "use an RSA key of 2048 bits or more, and keep its public key or certificate "              \
      "under the same CKA_ID in the token")                                                       \
    X(token_key_usage, "token.key-usage", ERROR_INVALID,                                          \
      "the token does not allow a key what its certificate is for",                               \
      "a signing key needs CKA_SIGN, an encryption key CKA_DECRYPT (and CKA_SIGN while its "      \
      "certificate is requested): set it by the HSM's own tool, or make a new key")               \
    X(token_key_changed, "token.key-changed", ERROR_UNAVAILABLE,                                  \
      "under the PKCS#11 URI lies no key any more, or another than that of the certificate",      \
      "see whether the right token is connected; when the key was replaced on "                   \
      "purpose, add its certificate anew")                                                        \
    X(token_key_exists, "token.key-exists", ERROR_CONFLICT,                                       \
      "the token has a key of that name already, and none is overwritten",                        \
      "choose another object= or id=, or request a certificate for the key that is "              \
      "there")                                                                                    \
    X(token_certificate_missing, "token.certificate-missing", ERROR_NOT_FOUND,                    \
      "the token has no certificate for the key", "give the certificate as a file")               \
    X(token_mechanism, "token.mechanism", ERROR_UNSUPPORTED,                                      \
      "the token does not do what a key is needed for",                                           \
      "see which mechanisms the HSM allows by its policy; where OAEP is missing "                 \
      "alone, raw RSA may be allowed in the configuration")                                       \
    X(token_wrong_answer, "token.wrong-answer", ERROR_CRYPTO,                                     \
      "the token answered wrongly: a signature that does not verify, other bytes than"            \
      " were encrypted, or an impossible size",                                                   \
      "do not use this token until its maker has explained it; see whether the URI "              \
      "names the right key and the HSM passes its self-tests")

ERROR_TABLE_DECLARE(keyholder_errors, KEYHOLDER_ERRORS)
