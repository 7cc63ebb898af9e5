/* SPDX-License-Identifier: Apache-2.0 */
#include "bootimage/digests.h"

#include "base/hex.h"
#include "bootimage/errors.h"

const enum digest_algorithm digests_algorithms[DIGESTS_BANKS] = {DIGEST_SHA256, DIGEST_SHA384,
                                                                 DIGEST_SHA512};

void digests_compute(struct digests *out, const struct slice *parts, size_t count)
{
    for (size_t i = 0; i < DIGESTS_BANKS; i++)
        digest_compute_parts(&out->banks[i], digests_algorithms[i], parts, count);
}

struct slice digests_get(const struct digests *digests, enum digest_algorithm algorithm)
{
    for (size_t i = 0; i < DIGESTS_BANKS; i++) {
        if (digests_algorithms[i] == algorithm)
            return digest_slice(&digests->banks[i]);
    }
    return SLICE_EMPTY;
}

void digests_write(struct json_writer *writer, const char *name, const struct digests *digests)
{
    json_write_object(writer, name);
    for (size_t i = 0; i < DIGESTS_BANKS; i++)
        json_write_hex(writer, digest_name(digests_algorithms[i]),
                       digest_slice(&digests->banks[i]));
    json_write_object_end(writer);
}

static bool read_one(struct digest *out, const struct json *object, enum digest_algorithm algorithm,
                     struct error *err)
{
    const char *name = digest_name(algorithm), *text;
    _cleanup_buf_ struct buf bytes;
    buf_init(&bytes, DIGEST_SIZE_MAX);
    if (!json_get_text(&text, object, name, err) ||
        !hex_parse(&bytes, slice_from_text(text), err) || !buf_ok(&bytes, name, err))
        return false;
    if (bytes.size != digest_size(algorithm))
        return error_set(err, &bootimage_digest_size, NULL, name, "it has %zu bytes", bytes.size);
    *out = (struct digest){.algorithm = algorithm, .size = bytes.size};
    memcpy(out->value, bytes.data, bytes.size);
    return true;
}

bool digests_read_object(struct digests *out, const struct json *banks, struct error *err)
{
    struct digests digests;
    for (size_t i = 0; i < DIGESTS_BANKS; i++) {
        if (!read_one(&digests.banks[i], banks, digests_algorithms[i], err))
            return false;
    }
    *out = digests;
    return true;
}

bool digests_read(struct digests *out, const struct json *object, const char *name,
                  struct error *err)
{
    const struct json *banks;
    return json_get_object(&banks, object, name, err) && digests_read_object(out, banks, err);
}
