#include <stdexcept>

#include "schedules/schedules.h"

namespace octet {

namespace {

Compilable convolution(const KernelInfo& info, ConvolutionKernel::Output output, const ConvolutionRows& rows) {
  ConvolutionKernel kernel(info, output, rows);
  if (is_arm(info.target))
    schedule_convolution_arm(kernel, info);
  else
    schedule_convolution_x86(kernel, info);
  return {kernel.output, kernel.arguments()};
}

Compilable requantize(const KernelInfo& info) {
  RequantizeKernel kernel(info.target);
  schedule_requantize(kernel, info.target);
  return {kernel.output, kernel.arguments()};
}

Compilable depthwise(const KernelInfo& info) {
  DepthwiseKernel kernel(info.target, info.schedule);
  if (is_arm(info.target))
    schedule_depthwise_arm(kernel, info.target, info.schedule);
  else
    schedule_depthwise_x86(kernel, info.target, info.schedule);
  return {kernel.output, kernel.arguments()};
}

Compilable depthwise_any(const KernelInfo& info, DepthwiseAnyKernel::Output output) {
  DepthwiseAnyKernel kernel(info.target, output);
  if (is_arm(info.target))
    schedule_depthwise_any_arm(kernel, info.target);
  else
    schedule_depthwise_any_x86(kernel, info.target);
  return {kernel.output, kernel.arguments()};
}

Compilable sum(const KernelInfo& info) {
  SumKernel kernel(info.target);
  schedule_sum(kernel, info.target);
  return {kernel.output, kernel.arguments()};
}

Compilable sum_any(const KernelInfo& info) {
  SumAnyKernel kernel(info.target);
  schedule_sum_any(kernel, info.target);
  return {kernel.output, kernel.arguments()};
}

Compilable product(const KernelInfo& info) {
  ProductKernel kernel(info.target);
  schedule_product(kernel, info.target);
  return {kernel.output, kernel.arguments()};
}

Compilable average_pool(const KernelInfo& info) {
  AverageKernel kernel(info.target);
  schedule_average(kernel, info.target);
  return {kernel.output, kernel.arguments()};
}

Compilable max_pool(const KernelInfo& info) {
  MaxKernel kernel(info.target);
  schedule_max(kernel, info.target);
  return {kernel.output, kernel.arguments()};
}

Compilable mean(const KernelInfo& info) {
  MeanKernel kernel(info.target);
  schedule_mean(kernel, info.target);
  return {kernel.output, kernel.arguments()};
}

}  // namespace

Compilable make_pipeline(const KernelInfo& info, const ConvolutionRows& rows) {
  switch (info.family) {
    case Family::Convolution:
      return convolution(info, ConvolutionKernel::Output::Byte, rows);
    case Family::ConvolutionSum:
      return convolution(info, ConvolutionKernel::Output::Sum, rows);
    case Family::ConvolutionAdd:
      return convolution(info, ConvolutionKernel::Output::Add, rows);
    case Family::Requantize:
      return requantize(info);
    case Family::Depthwise:
      return depthwise(info);
    case Family::DepthwiseAny:
      return depthwise_any(info, DepthwiseAnyKernel::Output::Byte);
    case Family::DepthwiseSum:
      return depthwise_any(info, DepthwiseAnyKernel::Output::Sum);
    case Family::Sum:
      return sum(info);
    case Family::SumAny:
      return sum_any(info);
    case Family::Product:
      return product(info);
    case Family::AveragePool:
      return average_pool(info);
    case Family::MaxPool:
      return max_pool(info);
    case Family::Mean:
      return mean(info);
  }
  throw std::logic_error("family");
}

}  // namespace octet
