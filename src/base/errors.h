/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The error codes of base/. */

#include "base/error.h"

#define BASE_ERRORS(X)                                                                         \
    X(base_file_unreadable, "base.file-unreadable", ERROR_IO,                                  \
      "a file or folder could not be opened or read",                                          \
      "check that it exists and who may read it (ls -l, namei -l)")                            \
    X(base_file_unwritable, "base.file-unwritable", ERROR_IO,                                  \
      "a file or folder could not be written",                                                 \
      "check free space (df), that the folder exists, and who may write to it (ls -ld)")       \
    X(base_file_too_large, "base.file-too-large", ERROR_LIMIT,                                 \
      "a file is larger than such a file may be", "check that this is the file you meant")     \
    X(base_file_mode, "base.file-mode", ERROR_INVALID,                                         \
      "a file that holds a secret can be read by others",                                      \
      "chmod 0600 the file, and consider whether its secret is still one")                     \
    X(base_hex_malformed, "base.hex-malformed", ERROR_MALFORMED,                               \
      "text that should be hexadecimal is not",                                                \
      "check the value for missing or foreign characters")                                     \
    X(base_base64_malformed, "base.base64-malformed", ERROR_MALFORMED,                         \
      "text that should be padded standard base64 is not",                                     \
      "check that the value was copied whole")                                                 \
    X(base_text_malformed, "base.text-malformed", ERROR_MALFORMED,                             \
      "text is not valid UTF-8 or UTF-16, or holds a NUL", "check the encoding of the file")   \
    X(base_deflate_malformed, "base.deflate-malformed", ERROR_MALFORMED,                       \
      "bytes that should be compressed are not, or are damaged",                               \
      "the record or file was altered: write it anew")                                         \
    X(base_guid_malformed, "base.guid-malformed", ERROR_MALFORMED,                             \
      "a value that should be a GUID is not",                                                  \
      "write it as 6a460ee1-62ea-416f-ae6c-04e29634506d, or as base64 of its 16 bytes")        \
    X(base_time_malformed, "base.time-malformed", ERROR_MALFORMED,                             \
      "a value that should be a time is not",                                                  \
      "write it as 2026-11-23T10:00:00Z, or as a date alone: 2026-11-23")                      \
    X(base_json_malformed, "base.json-malformed", ERROR_MALFORMED,                             \
      "a document that should be JSON is not, or lacks a property",                            \
      "check the document against the protocol; the message names the place")                  \
    X(base_json_too_deep, "base.json-too-deep", ERROR_LIMIT,                                   \
      "a JSON document is nested too deeply or has too many values",                           \
      "nothing that speaks this protocol sends such a document: find out what did")            \
    X(base_xml_malformed, "base.xml-malformed", ERROR_MALFORMED,                               \
      "a document that should be XML is not, or lacks an element",                             \
      "check the document against the protocol; the message names the place")                  \
    X(base_xml_refused, "base.xml-refused", ERROR_MALFORMED,                                   \
      "an XML document holds what this protocol never uses: a DTD, a comment, an instruction", \
      "remove it; a document that a program of this project wrote has none")                   \
    X(base_xml_too_large, "base.xml-too-large", ERROR_LIMIT,                                   \
      "an XML document is nested too deeply or is too large",                                  \
      "nothing that speaks this protocol sends such a document: find out what did")            \
    X(base_config_malformed, "base.config-malformed", ERROR_USAGE,                             \
      "a configuration file has an unknown key or a value of the wrong form",                  \
      "see hgsd.conf(5); the message names the line")                                          \
    X(base_folder, "base.folder", ERROR_IO, "a folder could not be made",                      \
      "check that its parent exists, who may write to it, and that no file has its name")      \
    X(base_buffer_full, "base.buffer-full", ERROR_LIMIT,                                       \
      "a value grew past the largest size it may have",                                        \
      "the object is larger than the service handles: make it smaller")                        \
    X(base_usage, "base.usage", ERROR_USAGE, "the command line is wrong",                      \
      "see the command's --help")                                                              \
    X(base_name, "base.name", ERROR_USAGE, "a name has characters that names may not have",    \
      "begin with a letter or digit; then letters, digits, '.', '_' and '-'; at most 128")     \
    X(base_declined, "base.declined", ERROR_UNAUTHORIZED,                                      \
      "the question was not answered with yes",                                                \
      "nothing was changed; repeat the command with --yes if you mean it")

ERROR_TABLE_DECLARE(base_errors, BASE_ERRORS)
