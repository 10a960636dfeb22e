// The networks' topologies, a file each.
#pragma once

#include <cstdint>

#include "models/model.h"
#include "models/zoo/layers.h"

namespace octet::zoo {

/// Howard et al. 2017, as in TF-Slim.
Model mobilenet_v1(const Order& order, double multiplier, int32_t resolution);
/// Sandler et al. 2018, as in TF-Slim: the last convolution keeps 1280 channels where the multiplier is below 1.
Model mobilenet_v2(const Order& order, double multiplier, int32_t resolution);
/// He et al. 2015, 224x224; depth 18, 34, 50, 101 or 152. Bottlenecks stride in the 3x3 ("v1.5"); strided convolutions
/// are padded by PAD, evenly on both sides.
Model resnet(const Order& order, int32_t depth);
/// Szegedy et al. 2015, 299x299, as in TF-Slim, without the auxiliary head.
Model inception_v3(const Order& order);

/// Classes, with a background in front (TF-Slim's heads), and without (ResNet's).
inline constexpr int32_t kClassesAndBackground = 1001, kClasses = 1000;

// Standard deviations of real values before activation.
inline constexpr double kLogitDeviation = 3.5;  // a softmax neither flat nor all in one class
inline constexpr double kRelu6Deviation = 2;    // fills [0, 6]

}  // namespace octet::zoo
