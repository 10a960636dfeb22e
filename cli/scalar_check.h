// One layer against the scalar reference (tests/reference), which shares nothing with the kernels.
#pragma once

#include <string>

#include "runtime/session.h"

namespace octet::cli {

/// Has the reference compute what step `step` of the session's plan wrote, from what came into it; the session has run,
/// and its plan keeps all tensors. Returns "" where the bytes are equal, else in words what differs, or why that cannot
/// be told. Sets `told` to whether it could.
std::string differs_from_scalar(const Model& model, const Session& session, size_t step, bool& told);

}  // namespace octet::cli
