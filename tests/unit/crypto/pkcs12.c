/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pkcs12.h"
#include "tool.h"

static int set_up(void **state)
{
    if (tool_set_up(state) != 0)
        return 1;
    tool_run(
        "openssl genrsa -out a.key 2048; openssl genrsa -out b.key 2048\n"
        "openssl ecparam -name prime256v1 -genkey -noout -out e.key\n"
        "openssl genpkey -algorithm ed25519 -out d.key; openssl genrsa -out small.key 1024\n"
        "for k in a b e d small; do openssl req -x509 -new -key $k.key -subj /CN=$k -days 2 -out "
        "$k.crt; openssl x509 -in $k.crt -outform der -out $k.der; done\n"
        "cat a.crt b.crt d.crt > chain.crt\n"
        "x() { o=$1; shift; openssl pkcs12 -export -passout pass:secret -out $o.pfx \"$@\"; }\n"
        "x modern -inkey a.key -in a.crt -name Guardian\n"
        "x ec -inkey e.key -in e.crt\n"
        "x sha1mac -inkey a.key -in a.crt -macalg sha1\n"
        "x aes128 -inkey a.key -in a.crt -keypbe AES-128-CBC -certpbe AES-128-CBC\n"
        "x chain -inkey a.key -in a.crt -certfile chain.crt\n"
        "x plain -inkey a.key -in a.crt -keypbe NONE -certpbe NONE\n"
        "x legacy -legacy -inkey a.key -in a.crt\n"
        "x des -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -inkey a.key -in a.crt\n"
        "x deskey -keypbe PBE-SHA1-3DES -inkey a.key -in a.crt\n"
        "x descert -certpbe PBE-SHA1-3DES -inkey a.key -in a.crt\n"
        "x des2 -keypbe DES-EDE3-CBC -certpbe DES-EDE3-CBC -inkey a.key -in a.crt\n"
        "x nokey -nokeys -in a.crt\n"
        "x nocert -nocerts -inkey a.key\n"
        "x nomac -nomac -inkey a.key -in a.crt\n"
        "x ed25519 -inkey d.key -in d.crt\n"
        "x small -inkey small.key -in small.crt\n"
        "openssl pkcs12 -export -passout pass: -inkey a.key -in a.crt -out empty.pfx\n"
        "cp \"$HGS_VECTORS\"/*_iterations.pfx .");
    return 0;
}

static void assert_reads(const char *file, const char *password, const char *name)
{
    struct buf pfx, der;
    struct private_key *key = NULL;
    struct certificate *certificate = NULL;
    assert_ok(
        pkcs12_parse(&key, &certificate, tool_read(&pfx, file), slice_from_text(password), err));
    char *der_file = memory_format("%s.der", name);
    assert_slice_equal(certificate_der(certificate), tool_read(&der, der_file));
    assert_memory_equal(public_key_digest(certificate_key(certificate)),
                        public_key_digest(private_key_public(key)), 32);
    free(der_file);
    private_key_free(&key);
    certificate_free(&certificate);
    buf_done(&pfx);
    buf_done(&der);
}

static void test_forms(void **state)
{
    (void)state;
    assert_reads("modern.pfx", "secret", "a");
    assert_reads("ec.pfx", "secret", "e");
    assert_reads("sha1mac.pfx", "secret", "a");
    assert_reads("aes128.pfx", "secret", "a");
    /* Certificates of the chain may be of kinds that are not used here. */
    assert_reads("chain.pfx", "secret", "a");
    assert_reads("plain.pfx", "secret", "a");
    assert_reads("empty.pfx", "", "a");
}

static void assert_bytes_refused(struct slice pfx, const char *password, const char *code)
{
    struct private_key *key = NULL;
    struct certificate *certificate = NULL;
    assert_refused(pkcs12_parse(&key, &certificate, pfx, slice_from_text(password), err), code);
    assert_null(key);
    assert_null(certificate);
}

static void assert_file_refused(const char *file, const char *password, const char *code)
{
    struct buf pfx;
    assert_bytes_refused(tool_read(&pfx, file), password, code);
    buf_done(&pfx);
}

static void test_passwords(void **state)
{
    (void)state;
    static const char *const files[] = {"modern.pfx", "sha1mac.pfx", "plain.pfx"};
    char *long_password = memory_allocate_zero(1, 2000);
    memset(long_password, 'x', 1999);
    for (size_t i = 0; i < 3; i++) {
        assert_file_refused(files[i], "", "crypto.password-wrong");
        assert_file_refused(files[i], "Secret", "crypto.password-wrong");
        assert_file_refused(files[i], "secret\n", "crypto.password-wrong");
        assert_file_refused(files[i], long_password, "crypto.password-wrong");
    }
    free(long_password);
    assert_file_refused("empty.pfx", "x", "crypto.password-wrong");
}

static void test_legacy(void **state)
{
    (void)state;
    static const char *const files[] = {"legacy.pfx", "des.pfx", "deskey.pfx", "descert.pfx",
                                        "des2.pfx"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_file_refused(files[i], "secret", "crypto.pkcs12-legacy");
        /* The password does not matter: the file has to be converted either way. */
        assert_file_refused(files[i], "wrong", "crypto.pkcs12-legacy");
    }
}

static void test_iterations(void **state)
{
    (void)state;
    assert_file_refused("RFC8018_A.2_iterations.pfx", "secret", "crypto.kdf-parameters");
    assert_file_refused("RFC7292_4_iterations.pfx", "secret", "crypto.kdf-parameters");
}

static void test_wrong_contents(void **state)
{
    (void)state;
    assert_file_refused("nokey.pfx", "secret", "crypto.pkcs12-keys");
    assert_file_refused("nocert.pfx", "secret", "crypto.pkcs12-keys");
    assert_file_refused("nomac.pfx", "secret", "crypto.pkcs12-malformed");
    assert_file_refused("ed25519.pfx", "secret", "crypto.key-unsupported");
    assert_file_refused("small.pfx", "secret", "crypto.key-too-small");
    assert_file_refused("a.der", "secret", "crypto.pkcs12-malformed");
    assert_file_refused("a.key", "secret", "crypto.pkcs12-malformed");
    assert_bytes_refused(SLICE_EMPTY, "secret", "crypto.pkcs12-malformed");
    uint8_t *large = memory_allocate_zero(1, 2 << 20);
    assert_bytes_refused(slice_of(large, 2 << 20), "secret", "crypto.pkcs12-malformed");
    free(large);
}

/*
 * What openssl's command line does not export is put together in python from an unencrypted PFX:
 * its bags are repeated or taken from two files, and the MAC computed anew (RFC 7292 appendix B).
 */
static const char assemble[] =
    "import hashlib,hmac,sys\n"
    "def parse(b,p=0):\n"
    "    t=b[p]; n=b[p+1]; p+=2\n"
    "    if n&128:\n"
    "        k=n&127; n=int.from_bytes(b[p:p+k],'big'); p+=k\n"
    "    return t,b[p:p+n],p+n\n"
    "def items(b):\n"
    "    p=0; r=[]\n"
    "    while p<len(b):\n"
    "        q=parse(b,p)[2]; r.append(b[p:q]); p=q\n"
    "    return r\n"
    "def der(t,*c):\n"
    "    c=b''.join(c); n=len(c)\n"
    "    l=bytes([n]) if n<128 else bytes([130])+n.to_bytes(2,'big')\n"
    "    return bytes([t])+l+c\n"
    "def inner(b): return parse(b)[1]\n"
    "def bags(f):\n"
    "    authsafe=items(inner(open(f,'rb').read()))[1]\n"
    "    safes=items(inner(inner(inner(items(inner(authsafe))[1]))))\n"
    "    return [bag for s in safes for bag in items(inner(inner(inner(items(inner(s))[1]))))]\n"
    "def kdf(password,salt):\n"
    "    p=password.encode('utf-16-be')+b'\\0\\0'; v=64\n"
    "    rep=lambda x:(x*(v*-(-len(x)//v)//len(x)+1))[:v*-(-len(x)//v)]\n"
    "    return hashlib.sha256(bytes([3])*v+rep(salt)+rep(p)).digest()\n"
    "data=bytes.fromhex('06092a864886f70d010701')\n"
    "info=lambda b:der(0x30,data,der(0xa0,der(4,b)))\n"
    "def write(f,bags,*safes):\n"
    "    content=der(0x30,*(safes or [info(der(0x30,*bags))]))\n"
    "    salt=b'saltsalt'; mac=hmac.new(kdf('secret',salt),content,'sha256').digest()\n"
    "    sha256=bytes.fromhex('300d06096086480165030402010500')\n"
    "    open(f,'wb').write(der(0x30,b'\\2\\1\\3',info(content),\n"
    "        der(0x30,der(0x30,sha256,der(4,mac)),der(4,salt))))\n"
    "a=bags('plain.pfx'); b=bags('plainb.pfx')\n"
    "oid=bytes.fromhex\n"
    "key=lambda l:[x for x in l if oid('060b2a864886f70d010c0a0101') in x]\n"
    "cert=lambda l:[x for x in l if oid('060b2a864886f70d010c0a0103') in x]\n"
    "write('good.pfx',a)\n"
    "write('reversed.pfx',key(a)+cert(a))\n"
    "write('twokeys.pfx',key(a)+key(b)+cert(a))\n"
    "write('samekeytwice.pfx',key(a)*2+cert(a))\n"
    "write('mismatch.pfx',key(a)+cert(b))\n"
    "write('onlysmall.pfx',key(a)+cert(bags('plainsmall.pfx')))\n"
    "write('nothing.pfx',[])\n"
    "write('many.pfx',key(a)+cert(a)*64)\n"
    "write('nested.pfx',[der(0x30,oid('060b2a864886f70d010c0a0106'),der(0xa0,der(0x30,*a)))])\n"
    "safe=info(der(0x30,*a))\n"
    "write('safes.pfx',0,*[safe]*2)\n"
    "write('manysafes.pfx',0,*[safe]*17)\n"
    /* Parts that name a type and hold nothing, as in CVE-2024-0727. */
    "for t in 1,2,3,5,6:\n"
    "    for name,rest in ('absent',b''),('empty',der(0xa0)),('null',der(0xa0,der(5))):\n"
    "        write('%s%d.pfx'%(name,t),0,der(0x30,data[:-1]+bytes([t]),rest))\n";

static void test_assembled(void **state)
{
    (void)state;
    tool_write("assemble.py", slice_from_text(assemble));
    tool_run("for k in b small; do openssl pkcs12 -export -passout pass:secret -keypbe NONE "
             "-certpbe NONE -inkey $k.key -in $k.crt -out plain$k.pfx; done\n"
             "python3 assemble.py\n"
             "openssl pkcs12 -in good.pfx -passin pass:secret -nodes -out /dev/null");
    assert_reads("good.pfx", "secret", "a");
    assert_reads("reversed.pfx", "secret", "a");
    assert_file_refused("twokeys.pfx", "secret", "crypto.pkcs12-keys");
    assert_file_refused("samekeytwice.pfx", "secret", "crypto.pkcs12-keys");
    assert_file_refused("mismatch.pfx", "secret", "crypto.key-mismatch");
    assert_file_refused("onlysmall.pfx", "secret", "crypto.key-too-small");
    assert_file_refused("nothing.pfx", "secret", "crypto.pkcs12-keys");
    assert_file_refused("many.pfx", "secret", "crypto.pkcs12-malformed");
    assert_file_refused("nested.pfx", "secret", "crypto.pkcs12-malformed");
    assert_file_refused("safes.pfx", "secret", "crypto.pkcs12-keys");
    assert_file_refused("manysafes.pfx", "secret", "crypto.pkcs12-malformed");
    for (int type = 1; type <= 6; type += type == 3 ? 2 : 1) {
        static const char *const kinds[] = {"absent", "empty", "null"};
        for (size_t i = 0; i < 3; i++) {
            char *file = memory_format("%s%d.pfx", kinds[i], type);
            assert_file_refused(file, "secret", "crypto.pkcs12-malformed");
            free(file);
        }
    }
}

static void test_damaged(void **state)
{
    (void)state;
    static const char *const files[] = {"plain.pfx", "modern.pfx"};
    for (size_t f = 0; f < 2; f++) {
        struct buf pfx;
        tool_read(&pfx, files[f]);
        for (size_t i = 0; i < pfx.size; i += 3)
            assert_bytes_refused(slice_of(pfx.data, i), "secret", "crypto.pkcs12-malformed");
        for (size_t i = 0; i < pfx.size; i += f == 0 ? 1 : 11) {
            struct private_key *key = NULL;
            struct certificate *certificate = NULL;
            pfx.data[i] ^= 0x01;
            if (pkcs12_parse(&key, &certificate, buf_slice(&pfx), slice_from_text("secret"),
                             NULL)) {
                private_key_free(&key);
                certificate_free(&certificate);
            }
            pfx.data[i] ^= 0x01;
        }
        buf_append_u8(&pfx, 0);
        assert_bytes_refused(buf_slice(&pfx), "secret", "crypto.pkcs12-malformed");
        buf_done(&pfx);
    }
}

static void test_format(void **state)
{
    (void)state;
    struct buf bytes, pfx;
    struct private_key *key = NULL;
    struct certificate *certificate = NULL, *other = NULL;
    assert_ok(pkcs12_parse(&key, &certificate, tool_read(&bytes, "modern.pfx"),
                           slice_from_text("secret"), err));
    buf_done(&bytes);
    buf_init_secret(&pfx, 100000);
    assert_ok(
        pkcs12_format(&pfx, key, certificate, "Guardian", slice_from_text("n\xc3\xa4w"), err));
    tool_write("made.pfx", buf_slice(&pfx));
    assert_reads("made.pfx", "n\xc3\xa4w", "a");
    assert_file_refused("made.pfx", "naw", "crypto.password-wrong");
    tool_run("openssl pkcs12 -in made.pfx -passin pass:$(printf 'n\\303\\244w') -info -nodes > out "
             "2> info; cat out info > all\n"
             "grep -q 'friendlyName: Guardian' all; grep -q 'MAC: sha256, Iteration 600000' all\n"
             "test $(grep -c 'PBES2, PBKDF2, AES-256-CBC, Iteration 600000, PRF hmacWithSHA256' "
             "all) = 2\n"
             "openssl pkey -in out -out k1; openssl pkey -in a.key -out k2; cmp k1 k2\n"
             "openssl x509 -in out -out c1; cmp c1 a.crt");
    buf_done(&pfx);
    assert_true(certificate_parse(&other, tool_read(&bytes, "b.der"), NULL));
    buf_done(&bytes);
    buf_init_secret(&pfx, 100000);
    assert_refused(pkcs12_format(&pfx, key, other, NULL, slice_from_text("x"), err),
                   "crypto.key-mismatch");
    struct buf little;
    buf_init_secret(&little, 100);
    assert_refused(pkcs12_format(&little, key, certificate, NULL, slice_from_text("x"), err),
                   "base.buffer-full");
    buf_done(&little);
    buf_done(&pfx);
    private_key_free(&key);
    certificate_free(&certificate);
    certificate_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),     cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_legacy),    cmocka_unit_test(test_iterations),
        cmocka_unit_test(test_assembled), cmocka_unit_test(test_wrong_contents),
        cmocka_unit_test(test_damaged),   cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(tests, set_up, tool_tear_down);
}
