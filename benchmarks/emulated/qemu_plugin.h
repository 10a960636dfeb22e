// The part of QEMU's plugin interface, version 1, that plugin.cpp uses; Debian's qemu-user has the interface but no
// header for it. Documented in QEMU's manual under "TCG plugins". Functions resolve against the qemu program that loads
// us.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

using qemu_plugin_id_t = uint64_t;
struct qemu_info_t;
struct qemu_plugin_tb;    // a translated block: straight code
struct qemu_plugin_insn;  // an instruction of it, valid while the block is being translated

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

using qemu_plugin_translated = void (*)(qemu_plugin_id_t, qemu_plugin_tb*);
using qemu_plugin_executed = void (*)(unsigned vcpu, void* data);
using qemu_plugin_exited = void (*)(qemu_plugin_id_t, void* data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_translated callback);
void qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_insn* instruction, qemu_plugin_executed callback,
                                            qemu_plugin_cb_flags flags, void* data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_exited callback, void* data);

size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb* block);
qemu_plugin_insn* qemu_plugin_tb_get_insn(const qemu_plugin_tb* block, size_t index);
uint64_t qemu_plugin_insn_vaddr(const qemu_plugin_insn* instruction);
const void* qemu_plugin_insn_data(const qemu_plugin_insn* instruction);
}
