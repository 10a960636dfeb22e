#include "benchmarks/peers/peers.h"

#ifdef OCTET_HAS_XNNPACK
#include "benchmarks/peers/xnnpack.h"
#endif
#ifdef OCTET_HAS_ONNXRUNTIME
#include "benchmarks/peers/onnxruntime.h"
#endif

namespace octet::peers {

std::vector<Peer> known_peers() {
  std::vector<Peer> list;
#ifdef OCTET_HAS_XNNPACK
  list.push_back({"xnnpack", make_xnnpack});
#endif
#ifdef OCTET_HAS_ONNXRUNTIME
  list.push_back({"onnxruntime", make_onnxruntime, onnxruntime_version()});
#endif
  return list;
}

}  // namespace octet::peers
