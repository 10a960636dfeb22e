// The reference's operators, by family; each reads its tensors from the context and writes its outputs there.
#pragma once

#include "tests/reference/context.h"

namespace octet::reference {

// convolution.cpp
void conv_2d(Context& context);
void depthwise_conv_2d(Context& context);
void fully_connected(Context& context);
void transpose_conv(Context& context);

// elementwise.cpp
void add(Context& context);
void sub(Context& context);
void mul(Context& context);

// activation.cpp
void relu(Context& context);          // [0, inf)
void relu_n1_to_1(Context& context);  // [-1, 1]
void relu6(Context& context);         // [0, 6]
void leaky_relu(Context& context);
void prelu(Context& context);
void hard_swish(Context& context);
void logistic(Context& context);
void tanh(Context& context);

// normalization.cpp
void softmax(Context& context);
void l2_normalization(Context& context);

// pooling.cpp
void average_pool_2d(Context& context);
void max_pool_2d(Context& context);
void mean(Context& context);
void arg_max(Context& context);

// resize.cpp
void resize_bilinear(Context& context);
void resize_nearest_neighbor(Context& context);

// conversion.cpp
void quantize(Context& context);
void dequantize(Context& context);
void cast(Context& context);

// movement.cpp
void concatenation(Context& context);
void split(Context& context);
void pad(Context& context);      // PAD and PADV2
void reshape(Context& context);  // RESHAPE, SQUEEZE and EXPAND_DIMS
void transpose(Context& context);
void slice(Context& context);
void strided_slice(Context& context);
void space_to_depth(Context& context);
void depth_to_space(Context& context);
void tile(Context& context);
void pack(Context& context);
void unpack(Context& context);
void gather(Context& context);

}  // namespace octet::reference
