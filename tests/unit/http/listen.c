/* SPDX-License-Identifier: Apache-2.0 */
#include "http/listen.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../testing.h"
#include "base/file.h"
#include "http/errors.h"

static void addresses_that_are_bound(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:0", "0.0.0.0:0", "*:0"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        _cleanup_fd_ int fd = -1;
        unsigned port = 0;
        int listening = 0;
        socklen_t size = sizeof listening;
        assert_true(listen_open(&fd, &port, texts[i], NULL));
        assert_int_not_equal(port, 0);
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size), 0);
        assert_true(listening);
    }
}

static void refused(const char *text, const char *reason)
{
    struct error err = {0};
    int fd = -5;
    unsigned port = 77;
    assert_false(listen_open(&fd, &port, text, &err));
    assert_ptr_equal(err.code, &http_address_unusable);
    assert_string_equal(err.object, text);
    if (strstr(err.message, reason) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", text, err.message, reason);
    assert_int_equal(fd, -5);
    assert_int_equal(port, 77);
}

static void addresses_that_are_refused(void **state)
{
    (void)state;
    refused("", "no port");
    refused("127.0.0.1", "no port");
    refused("127.0.0.1:", "no port");
    refused("127.0.0.1:80a", "no port");
    refused("127.0.0.1:-1", "no port");
    refused("127.0.0.1:65536", "no port");
    refused("127.0.0.1:99999999999999999999", "no port");
    refused(":8080", "not a numeric address");
    refused("localhost:8080", "not looked up");
    refused("::1:8080", "not a numeric address");
    refused("[127.0.0.1]:8080", "not a numeric address");
    refused("[::1:8080", "not a numeric address");
    refused("[*]:8080", "not a numeric address");
    refused("192.0.2.1:0", "not an address of this machine");
}

static void an_address_in_use(void **state)
{
    (void)state;
    _cleanup_fd_ int fd = -1;
    unsigned port = 0;
    char text[40];
    assert_true(listen_open(&fd, &port, "127.0.0.1:0", NULL));
    snprintf(text, sizeof text, "127.0.0.1:%u", port);
    refused(text, "in use");
}

/* IPv6 where the machine has it, and then for IPv6 only: the port is free for IPv4. */
static void ipv6(void **state)
{
    (void)state;
    _cleanup_fd_ int fd = -1;
    _cleanup_fd_ int other = -1;
    unsigned port = 0;
    char text[40];
    struct error err = {0};
    if (!listen_open(&fd, &port, "[::]:0", &err)) {
        print_message("skipped: no IPv6 here: %s\n", err.message);
        skip();
    }
    snprintf(text, sizeof text, "0.0.0.0:%u", port);
    assert_true(listen_open(&other, &port, text, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_are_bound),
        cmocka_unit_test(addresses_that_are_refused),
        cmocka_unit_test(an_address_in_use),
        cmocka_unit_test(ipv6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
