/* SPDX-License-Identifier: Apache-2.0 */

/* Where the administration socket may be; what is said over it is tested by
 * tests/integration/admin_socket.py. */

#include "admin/server.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../folder.h"
#include "../wait.h"
#include "admin/errors.h"
#include "base/file.h"
#include "process/errors.h"

static char folder[FOLDER_SIZE], path[sizeof((struct sockaddr_un *)NULL)->sun_path];

static int make_folder(void **state)
{
    (void)state;
    folder_make(folder);
    snprintf(path, sizeof path, "%s/admin.sock", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static bool start(struct admin_server **server, struct error *err)
{
    static const struct admin_services services;
    struct admin_server_options options = {.path = path, .services = &services};
    return admin_server_listen(&options.listener, path, err) &&
           admin_server_start(server, &options, err);
}

static void a_stale_socket_is_replaced_a_living_one_is_not(void **state)
{
    (void)state;
    struct error err = {0};
    struct admin_server *server = NULL, *second = NULL;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(stale, (const struct sockaddr *)&address, sizeof address), 0);
    close(stale);
    assert_true(start(&server, &err));
    assert_false(start(&second, &err));
    assert_ptr_equal(err.code, &process_socket);
    admin_server_stop(&server);
    assert_int_equal(access(path, F_OK), -1);
}

/* A path that was mistaken for another one costs nobody a file. */
static void a_file_is_not_replaced(void **state)
{
    (void)state;
    struct error err = {0};
    struct admin_server *server = NULL;
    assert_true(file_create(path, slice_from_text("precious"), 0600, &err));
    assert_false(start(&server, &err));
    assert_ptr_equal(err.code, &process_socket);
    _cleanup_buf_ struct buf text;
    buf_init(&text, 64);
    assert_true(file_read(&text, path, &err));
    assert_true(slice_equals_text(buf_slice(&text), "precious"));
}

static int connect_to(const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof address), 0);
    return client;
}

/* Nobody has read it yet. */
static int unread(int client)
{
    int size = -1;
    assert_int_equal(ioctl(client, SIOCOUTQ, &size), 0);
    return size;
}

/* Whoever only waits for the next request is sent away; an operation is waited for, so long. */
static void closing_says_whether_somebody_is_served(void **state)
{
    (void)state;
    struct error err = {0};
    struct admin_server *server = NULL;
    assert_true(start(&server, &err));
    int idle = connect_to(path), busy = connect_to(path);
    assert_int_equal(send(busy, "x", 1, 0), 1); /* the beginning of a request */
    WAIT_UNTIL(unread(busy) == 0);
    assert_false(admin_server_close(server, 1));
    close(busy);
    assert_true(admin_server_close(server, WAIT_MAX_MS));
    char byte;
    assert_int_equal(recv(idle, &byte, 1, 0), 0);
    close(idle);
    admin_server_stop(&server);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(a_stale_socket_is_replaced_a_living_one_is_not),
        in_folder(a_file_is_not_replaced),
        in_folder(closing_says_whether_somebody_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
