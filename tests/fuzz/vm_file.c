/* SPDX-License-Identifier: Apache-2.0 */

/* A VM file as somebody may have altered it. What is accepted is the same text when it is written,
 * read and written again, and no secret opens with a key that is not its own. */

#include "vm/vm.h"

#include "require.h"

static void round_trip(const struct vm *vm)
{
    _cleanup_vm_ struct vm again = {0};
    _cleanup_buf_ struct buf first, second;
    buf_init(&first, VM_SIZE_MAX);
    buf_init(&second, VM_SIZE_MAX);
    vm_format(&first, vm);
    require(vm_parse(&again, buf_slice(&first), NULL));
    vm_format(&second, &again);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
}

static void open_all(const struct vm *vm)
{
    static const uint8_t key[PROTECTOR_TRANSPORT_KEY_SIZE];
    for (size_t i = 0; i < vm->count; i++) {
        struct secret plain = SECRET_EMPTY;
        require(!vm_secret_open(&plain, vm, vm->secrets[i].name, slice_of(key, sizeof key), NULL));
        require(plain.data == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_vm_ struct vm vm = {0};
    if (size > VM_SIZE_MAX / 2 || !vm_parse(&vm, slice_of(data, size), NULL))
        return 0;
    round_trip(&vm);
    open_all(&vm);
    if (vm.count > 0)
        require(vm_secret_remove(&vm, vm.secrets[0].name, NULL));
    return 0;
}
