#include "compiler/layer_tiles.h"

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "runtime/steps/integer.h"
#include "schedules/tuning.h"

namespace octet {

namespace {

/// Multiplications that make room for what becomes of the tile before.
constexpr int kOverlappingProducts = 100;

/// Whether the registers hold the sums of two tiles; or nearly: where weights of four vectors are loaded, some that
/// spill cost less than it gains.
bool can_overlap(const KernelInfo& tile) {
  const int vectors = tile.schedule.vectors, sums = tile.schedule.pixels * vectors;
  return tile.target == Target::Avx512Vnni && tile.family == Family::Convolution && rescales_in_float(tile) &&
         vectors >= 2 && vectors <= 4 && sums <= (vectors < 4 ? 14 : 16);
}

/// Kernels of one target.
class Tiles {
 public:
  explicit Tiles(Target target) {
    for (const KernelInfo& like : kManifest) {
      const bool fits = like.family == Family::Convolution || like.family == Family::ConvolutionAdd;
      if (like.target != target || !fits || like.schedule.overlapping > 0) continue;
      KernelInfo tile = like;
      if (like.schedule.pixels == 1) {
        while (--tile.schedule.vectors > 0) add(tile);
        continue;
      }
      // A row's pixels may have one address for all (ConvolutionRows), so registers for addresses do not limit them.
      const bool one_vector = target == Target::Avx512Vnni && like.schedule.vectors == 1;
      for (int pixels = one_vector ? 16 : like.schedule.pixels; pixels > 1; pixels--) {
        tile.schedule.pixels = static_cast<int8_t>(pixels);
        add(tile);
        if (!can_overlap(tile)) continue;
        KernelInfo overlapping = tile;
        const int sums = pixels * tile.schedule.vectors;
        overlapping.schedule.overlapping = static_cast<int8_t>(ceil_div(kOverlappingProducts, sums));
        add(overlapping);
      }
    }
  }
  std::span<const KernelInfo> all() const { return tiles_; }

 private:
  void add(KernelInfo tile) {
    const auto same = [&](const KernelInfo& other) {
      return other.family == tile.family && other.schedule == tile.schedule;
    };
    if (find_same(tile) != nullptr || std::ranges::any_of(tiles_, same)) return;
    names_.push_back(name_for(tile));
    tile.name = names_.back();
    tiles_.push_back(tile);
  }

  std::deque<std::string> names_;
  std::vector<KernelInfo> tiles_;
};

}  // namespace

std::span<const KernelInfo> layer_tiles(Target target) {
  static const Tiles sse41(Target::Sse41), avx2(Target::Avx2), avx512vnni(Target::Avx512Vnni);
  switch (target) {
    case Target::Sse41:
      return sse41.all();
    case Target::Avx2:
      return avx2.all();
    case Target::Avx512Vnni:
      return avx512vnni.all();
    default:  // 64-bit Arm: kernels take any number of pixels, and the last tile of these need not be whole
      return {};
  }
}

}  // namespace octet
