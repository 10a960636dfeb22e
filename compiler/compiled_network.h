// A compiled library run in this process: linked as a shared one, loaded, called through its C interface.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "compiler/toolchain.h"

namespace octet {

class CompiledNetwork {
 public:
  /// libNAME.a of `folder`, for the machine that this is, linked to a shared library beside it. Throws
  /// std::runtime_error.
  static std::filesystem::path link(const std::filesystem::path& folder, const std::string& name,
                                    const Toolchain& toolchain);
  /// The file is not needed any longer afterwards. Throws std::runtime_error.
  CompiledNetwork(const std::filesystem::path& shared, const std::string& name);
  ~CompiledNetwork();
  CompiledNetwork(const CompiledNetwork&) = delete;
  CompiledNetwork& operator=(const CompiledNetwork&) = delete;

  /// One inference at a time in an arena of its own; ends before the network.
  class Instance {
   public:
    /// features: "" for the CPU's best. Throws std::runtime_error (not in it, not on this CPU, no such threads).
    Instance(const CompiledNetwork& network, const std::string& features, int threads);
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    /// Null where there is no such one.
    std::byte* input(int index) const;
    const std::byte* output(int index) const;
    /// 0, or what the library returned.
    int run() const { return run_(net_); }
    int run(void (*after)(void* context, int layer), void* context) const { return watch_(net_, after, context); }
    /// The library's instance, for functions by name.
    void* net() const { return net_; }
    std::string features() const;

   private:
    const CompiledNetwork& network_;
    std::shared_ptr<std::byte> arena_;
    void* net_;
    int (*run_)(void*);
    int (*watch_)(void*, void (*)(void*, int), void*);
  };

  /// NAME_<function>. Throws std::runtime_error.
  template <typename Function>
  Function* function(const char* name) const {
    return reinterpret_cast<Function*>(find(name));
  }

 private:
  void* find(const char* name) const;

  std::string name_;
  void* library_;
};

}  // namespace octet
