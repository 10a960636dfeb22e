#include <cstdio>
#include <map>
#include <mutex>
#include <new>

#include "models/tflite_reader.h"
#include "runtime/octet.h"
#include "runtime/session.h"

struct octet_model {
  octet::Model model;
  std::mutex mutex;
  std::map<octet::Target, std::weak_ptr<const octet::Plan>> plans;

  std::shared_ptr<const octet::Plan> plan_for(octet::Target target) {
    const std::lock_guard lock(mutex);
    std::weak_ptr<const octet::Plan>& known = plans[target];
    std::shared_ptr<const octet::Plan> plan = known.lock();
    if (!plan) known = plan = octet::Plan::make(model, {.target = target});
    return plan;
  }
};

struct octet_session {
  octet::Session session;
};

namespace {

// A fixed buffer: telling that memory ran out must not need memory.
thread_local char last_error[1024] = "";

octet_status fail(octet_status status, const char* text) {
  std::snprintf(last_error, sizeof last_error, "%s", text);
  return status;
}

/// Runs `body`; exceptions become a status and an error text.
template <typename Body>
octet_status guarded(const Body& body) noexcept {
  try {
    body();
    return OCTET_OK;
  } catch (const octet::ModelError& e) {
    return fail(OCTET_BAD_INPUT, e.what());
  } catch (const std::bad_alloc&) {
    return fail(OCTET_FAILED, "out of memory");
  } catch (const std::exception& e) {
    return fail(OCTET_FAILED, e.what());
  } catch (...) {
    return fail(OCTET_FAILED, "unknown failure");
  }
}

void require(bool ok, const char* what) {
  if (!ok) throw octet::ModelError(what);
}

int threads_of(int32_t threads) { return threads == 0 ? 1 : threads; }

octet_tensor_info describe(const octet::TensorInfo& t) {
  const octet::Quantization& q = t.quantization;
  return {t.name.c_str(),
          static_cast<octet_type>(t.type),
          static_cast<int32_t>(t.shape.size()),
          t.shape.data(),
          t.bytes,
          static_cast<int32_t>(q.scale.size()),
          q.scale.data(),
          q.zero_point.data(),
          q.axis};
}

octet_status tensor_info(const octet_session* session, size_t index, octet_tensor_info* info,
                         const std::vector<octet::TensorInfo>& (octet::Plan::*list)() const) {
  return guarded([&] {
    require(session != nullptr && info != nullptr, "tensor info: an argument is NULL");
    const std::vector<octet::TensorInfo>& tensors = (session->session.plan().*list)();
    require(index < tensors.size(), "tensor info: the index is beyond the network's inputs or outputs");
    *info = describe(tensors[index]);
  });
}

}  // namespace

const char* octet_version(void) { return OCTET_VERSION; }

const char* octet_last_error(void) { return last_error; }

octet_status octet_model_load(const char* path, octet_model** model) {
  return guarded([&] {
    require(path != nullptr && model != nullptr, "octet_model_load: an argument is NULL");
    *model = nullptr;
    *model = new octet_model{octet::read_tflite(path), {}, {}};
  });
}

octet_status octet_model_load_memory(const void* bytes, size_t size, const char* name, octet_model** model) {
  return guarded([&] {
    require((bytes != nullptr || size == 0) && model != nullptr, "octet_model_load_memory: an argument is NULL");
    *model = nullptr;
    const std::span contents(static_cast<const std::byte*>(bytes), size);
    *model = new octet_model{octet::parse_tflite(contents, name == nullptr ? "model" : name), {}, {}};
  });
}

void octet_model_free(octet_model* model) { delete model; }

octet_status octet_session_create(octet_model* model, const octet_options* options, octet_session** session) {
  return guarded([&] {
    require(model != nullptr && session != nullptr, "octet_session_create: an argument is NULL");
    *session = nullptr;
    const octet_options chosen = options == nullptr ? octet_options{} : *options;
    const octet::Target target = octet::parse_target(chosen.target == nullptr ? "auto" : chosen.target);
    *session = new octet_session{octet::Session(model->plan_for(target), threads_of(chosen.threads))};
  });
}

octet_status octet_session_clone(const octet_session* session, int32_t threads, octet_session** clone) {
  return guarded([&] {
    require(session != nullptr && clone != nullptr, "octet_session_clone: an argument is NULL");
    *clone = nullptr;
    *clone = new octet_session{octet::Session(session->session.shared_plan(), threads_of(threads))};
  });
}

void octet_session_free(octet_session* session) { delete session; }

const char* octet_session_target(const octet_session* session) {
  return session == nullptr ? "" : octet::name_of(session->session.plan().target()).data();
}

size_t octet_input_count(const octet_session* session) {
  return session == nullptr ? 0 : session->session.plan().inputs().size();
}

size_t octet_output_count(const octet_session* session) {
  return session == nullptr ? 0 : session->session.plan().outputs().size();
}

octet_status octet_input_info(const octet_session* session, size_t index, octet_tensor_info* info) {
  return tensor_info(session, index, info, &octet::Plan::inputs);
}

octet_status octet_output_info(const octet_session* session, size_t index, octet_tensor_info* info) {
  return tensor_info(session, index, info, &octet::Plan::outputs);
}

void* octet_input_data(octet_session* session, size_t index) {
  return index < octet_input_count(session) ? session->session.input(index).data() : nullptr;
}

const void* octet_output_data(const octet_session* session, size_t index) {
  return index < octet_output_count(session) ? session->session.output(index).data() : nullptr;
}

octet_status octet_run(octet_session* session) {
  return guarded([&] {
    require(session != nullptr, "octet_run: the session is NULL");
    session->session.run();
  });
}
