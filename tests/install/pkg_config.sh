#!/bin/sh
# Builds the two programs by pkg-config alone and runs them: pkg_config.sh PKGCONFIG-FOLDER WORK-FOLDER CC CXX [EMULATOR]
set -eu
sources=$(cd "$(dirname "$0")" && pwd)
export PKG_CONFIG_LIBDIR="$1"
mkdir -p "$2"
cd "$2"
$3 -Wall -Wextra -Werror "$sources/consumer_c/main.c" -o consumer_c $(pkg-config --cflags --libs octet)
$4 -std=c++20 -Wall -Wextra -Werror "$sources/consumer_cpp/main.cpp" -o consumer_cpp $(pkg-config --cflags --libs octet)
${5-} ./consumer_cpp small.tflite
${5-} ./consumer_c small.tflite
