// Random numbers and moments for synthetic networks: the same bits on every platform, hence nothing but integers and
// IEEE + - * / sqrt, evaluated as written (no contraction, no libm).
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "models/model.h"

namespace octet::zoo {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  /// In [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Near to normal: a sum of four uniform integers, mean 0, standard deviation kBellDeviation, within 3.47 of them.
  int32_t bell() {
    const uint64_t bits = engine_();
    const uint64_t sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    return static_cast<int32_t>(sum) - 2 * 0xffff;
  }
  /// The same with standard deviation 1.
  double normal() { return bell() / kBellDeviation; }

  static constexpr double kBellDeviation = 37837.2;  // 65536 / sqrt(3)

 private:
  std::mt19937_64 engine_;  // whose output the standard specifies
};

/// Mean and variance of a real value.
struct Moments {
  double mean = 0, variance = 0;
};

Moments operator+(const Moments& a, const Moments& b);  // of independent values

/// Of a normally distributed value behind an activation function (None, Relu, Relu6).
Moments activated(const Moments& value, Activation activation);

/// Of a value that is replaced by 0 with probability 1 - share.
Moments present(const Moments& value, double share);

/// Of a value drawn from a random one of these.
Moments pooled(const std::vector<Moments>& values);

/// Nearest integer, halves away from zero.
inline int32_t rounded(double value) { return static_cast<int32_t>(value < 0 ? value - 0.5 : value + 0.5); }

}  // namespace octet::zoo
