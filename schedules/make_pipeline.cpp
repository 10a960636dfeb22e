#include <stdexcept>

#include "schedules/schedules.h"

namespace octet {

namespace {

bool is_x86(Target target) { return activation_type(target) == DataType::UInt8; }

Compilable convolution(const KernelInfo& info, ConvolutionKernel::Output output) {
  ConvolutionKernel kernel(info.target, output);
  if (is_x86(info.target)) schedule_convolution_x86(kernel, info.target, info.schedule);
  return {kernel.output, kernel.arguments()};
}

Compilable requantize(const KernelInfo& info) {
  RequantizeKernel kernel(info.target);
  if (is_x86(info.target)) schedule_requantize_x86(kernel, info.target);
  return {kernel.output, kernel.arguments()};
}

}  // namespace

Compilable make_pipeline(const KernelInfo& info) {
  switch (info.family) {
    case Family::Convolution:
      return convolution(info, ConvolutionKernel::Output::Byte);
    case Family::ConvolutionSum:
      return convolution(info, ConvolutionKernel::Output::Sum);
    case Family::Requantize:
      return requantize(info);
  }
  throw std::logic_error("family");
}

}  // namespace octet
