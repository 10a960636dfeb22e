# Everything from a fresh Debian 12 machine: each goal installs what is missing first (packages.txt), as root or with sudo.
#   make bench   build, then time MobileNet v1, MobileNet v2 and ResNet-50 on this machine
#   make results the same against other libraries, with tables and plots (results/README.md); takes some minutes
#   make results-arm64  instructions on 64-bit Arm, and estimates for phones' cores (results/emulated.md); some ten minutes
#   make test    build, then test: this machine, 64-bit Arm under emulation, sanitizers, a short fuzzing run
.PHONY: build bench results results-arm64 test test-host test-arm64 test-sanitize setup arm64 format clean

build: setup
	cmake --preset host
	cmake --build --preset host

bench: build
	build/bin/octet bench mobilenet_v1_1.0_224 mobilenet_v2_1.0_224 resnet50

results: build
	tools/setup results/packages.txt
	results/make.py --measure build/bin

results-arm64: build arm64
	tools/setup results/packages.txt
	results/emulated.py --run build/bin $(if $(MODELS),--models $(MODELS))

test: test-host test-arm64 test-sanitize

test-host: build
	tools/setup-adbd build/adbd || echo "Without adbd: the tests of phones over adb are skipped"
	ctest --preset host

arm64: setup
	cmake --preset arm64
	cmake --build --preset arm64

test-arm64: arm64
	ctest --preset arm64

test-sanitize: setup
	cmake --preset sanitize
	cmake --build --preset sanitize
	ctest --preset sanitize

setup:
	tools/setup

format: setup
	git ls-files '*.h' '*.cpp' | xargs clang-format-14 -i

clean:
	rm -rf build
