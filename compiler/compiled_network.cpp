#include "compiler/compiled_network.h"

#include <dlfcn.h>

#include <cstdlib>
#include <new>

#include "runtime/steps/huge_pages.h"

namespace octet {

namespace fs = std::filesystem;

fs::path CompiledNetwork::link(const fs::path& folder, const std::string& name, const Toolchain& toolchain) {
  const fs::path shared = folder / ("lib" + name + ".so");
  toolchain.link_shared(folder / ("lib" + name + ".a"), shared);
  return shared;
}

CompiledNetwork::CompiledNetwork(const fs::path& shared, const std::string& name) : name_(name) {
  library_ = dlopen(fs::absolute(shared).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) throw std::runtime_error(dlerror());
}

CompiledNetwork::~CompiledNetwork() { dlclose(library_); }

void* CompiledNetwork::find(const char* name) const {
  void* const symbol = dlsym(library_, (name_ + "_" + name).c_str());
  if (symbol == nullptr) throw std::runtime_error(name_ + " has no function " + name);
  return symbol;
}

CompiledNetwork::Instance::Instance(const CompiledNetwork& network, const std::string& features, int threads)
    : network_(network),
      run_(network.function<int(void*)>("run")),
      watch_(network.function<int(void*, void (*)(void*, int), void*)>("run_watched")) {
  // As the header's class for C++ has it.
  const size_t needed = network.function<size_t()>("arena_bytes")();
  const size_t alignment = needed >= size_t{1} << 20 ? kHugePage : 64;
  const size_t bytes = (needed + alignment - 1) / alignment * alignment;
  arena_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, bytes)), std::free);
  if (arena_ == nullptr) throw std::bad_alloc();
  const char* const wanted = features.empty() ? nullptr : features.c_str();
  net_ = network.function<void*(void*, size_t, const char*)>("create_for")(arena_.get(), bytes, wanted);
  if (net_ == nullptr) throw std::runtime_error(network.name_ + ": was not compiled for this CPU");
  if (network.function<int(void*, int)>("start_threads")(net_, threads) != 0)
    throw std::runtime_error(network.name_ + ": cannot run on " + std::to_string(threads) + " threads");
}

CompiledNetwork::Instance::~Instance() { network_.function<void(void*)>("destroy")(net_); }

std::byte* CompiledNetwork::Instance::input(int index) const {
  return network_.function<std::byte*(void*, int)>("input")(net_, index);
}

const std::byte* CompiledNetwork::Instance::output(int index) const {
  return network_.function<const std::byte*(void*, int)>("output")(net_, index);
}

std::string CompiledNetwork::Instance::features() const {
  return network_.function<const char*(void*)>("features")(net_);
}

}  // namespace octet
