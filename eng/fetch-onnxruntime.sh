#!/usr/bin/env bash
# Puts the native ONNX Runtime library into artifacts/ort/. Nothing is fetched when it is already there.
# The NuGet package is tried first; feeds without it are common, so the npm package, whose bytes are pinned here, follows.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.30.0
tarball_sha256=6e3390d6b783e7be946fad629292799da28d0b42f84856e50d2c1b0383291e75

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64)
    rid=linux-x64 member=linux/x64/libonnxruntime.so.1 name=libonnxruntime.so
    library_sha256=ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23 ;;
  Linux-aarch64)
    rid=linux-arm64 member=linux/arm64/libonnxruntime.so.1 name=libonnxruntime.so
    library_sha256=1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76 ;;
  Darwin-arm64)
    rid=osx-arm64 member=darwin/arm64/libonnxruntime.1.dylib name=libonnxruntime.dylib
    library_sha256=685d2be5dba1309c89d3a5324b7fd06a5c42f1a61bfea32d14c4cc28d072121d ;;
  *)
    echo "No prebuilt ONNX Runtime $version is known for $(uname -s) $(uname -m): build it, and set ONNXEFF_ORT_LIB to the library." >&2
    exit 1 ;;
esac

fail() { echo "$1" >&2; exit 1; }
sha256() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }

target=artifacts/ort/$name
if [ -f "$target" ]; then
  exit 0
fi

mkdir -p artifacts/ort
work=$(mktemp -d artifacts/ort/fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT

if command -v dotnet >/dev/null \
    && dotnet package download "Microsoft.ML.OnnxRuntime@$version" --output "$work/nuget" >/dev/null 2>&1; then
  found=$(find "$work/nuget" -path "*runtimes/$rid/native/$name" | head -n 1)
  if [ -n "$found" ]; then
    mv "$found" "$target"
    echo "ONNX Runtime $version from NuGet: $target"
    exit 0
  fi
fi

command -v npm >/dev/null || fail "ONNX Runtime is missing and npm, which would fetch it, is too: install Node.js with npm, or set ONNXEFF_ORT_LIB."
(cd "$work" && npm pack --silent "onnxruntime-node@$version" >/dev/null) \
  || fail "npm could not fetch onnxruntime-node@$version: check the registry and the network, or set ONNXEFF_ORT_LIB."
tarball=$work/onnxruntime-node-$version.tgz
[ "$(sha256 "$tarball")" = "$tarball_sha256" ] \
  || fail "The registry served other bytes than pinned for onnxruntime-node@$version (SHA-256 $(sha256 "$tarball")); nothing was installed."
tar -xzf "$tarball" -C "$work" "package/bin/napi-v6/$member"
library=$work/package/bin/napi-v6/$member
[ "$(sha256 "$library")" = "$library_sha256" ] \
  || fail "The library inside onnxruntime-node@$version differs from the pinned one (SHA-256 $(sha256 "$library")); nothing was installed."
mv "$library" "$target"
echo "ONNX Runtime $version from npm: $target"
