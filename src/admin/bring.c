/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/bring.h"

void bring_write(struct json_writer *writer, const struct keyprotection_certificate *certificate,
                 const struct bring_test *test)
{
    const struct certificate_facts *facts = certificate_facts(certificate->certificate);
    if (certificate->key_source == KEYPROTECTION_KEY_SEALED)
        return;
    json_write_object(writer, NULL);
    json_write_text(writer, "type", keyprotection_certificate_type_name(certificate->type));
    json_write_hex(writer, "thumbprint", slice_of(facts->thumbprint, 32));
    json_write_text(writer, "subject", facts->subject_text);
    json_write_text(writer, "key_source", keyprotection_key_source_name(certificate->key_source));
    if (certificate->key_source == KEYPROTECTION_KEY_TOKEN)
        json_write_text(writer, "key_uri", certificate->key_uri);
    if (test != NULL)
        json_write_bool(writer, "works", test->works);
    if (test != NULL && !test->works)
        json_write_error(writer, "error", &test->failure);
    json_write_object_end(writer);
}
