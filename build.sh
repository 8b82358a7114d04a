#!/usr/bin/env bash
# Builds OnnxEff. Without a verb it lists them. build.ps1 has the same verbs.
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
case "$(uname -s)-$(uname -m)" in Linux-aarch64) rid=linux-arm64 ;; Darwin-arm64) rid=osx-arm64 ;; *) rid=linux-x64 ;; esac
bin=artifacts/bin

verbs() { cat <<'LIST'
  restore   fetch NuGet packages and the native ONNX Runtime
  build     compile everything, warnings are errors
  test      run all tests; the last line is: N passed, N failed, N skipped
  publish   Native AOT command line and operator library into artifacts/bin
  demo      optimise, verify, measure and run the model in models/kjv
  bench     llama-bench's measurements: ./build.sh bench MODEL... [-p 512 -n 128 -d 0 -t 1,2];
            ./build.sh bench attention|masks|low-bit [--quick]: our kernels beside ONNX Runtime's
  table     ./build.sh table low-bit: quality, size and speed of every stored form, into docs/low-bit.md
  pack      the NuGet package with the operator library into artifacts/packages
  format    check the code style; ./build.sh format fix mends it
  clean     remove everything that was built; what was fetched stays
LIST
}

fail() { echo "$1" >&2; exit 1; }
need() { command -v "$1" >/dev/null || fail "$1 is missing: install $2."; }
tools() {
  need dotnet "the .NET 10 SDK (https://dotnet.microsoft.com/download)"
  dotnet --version >/dev/null 2>&1 || fail "No .NET SDK fits global.json: install the .NET 10 SDK (https://dotnet.microsoft.com/download)."
}
linker() {
  tools
  command -v clang >/dev/null && cc=clang || cc=gcc
  need "$cc" "gcc or clang (Debian: apt install gcc)"
  echo 'int main(void){return 0;}' | "$cc" -x c - -lz -o /dev/null 2>/dev/null \
    || fail "The C compiler cannot link against zlib: install a C library and zlib (Debian: apt install libc6-dev zlib1g-dev)."
}
# Whether anything in the folders is newer than the stamp; a removed file makes its folder newer.
stale() { local stamp=$1; shift; [ ! -f "$stamp" ] || [ -n "$(find "$@" Directory.*.props global.json -newer "$stamp" -print -quit)" ]; }
aot() { dotnet publish "$1" -c Release -r "$rid" -v quiet -p:CppCompilerAndLinker="$cc" "${@:2}"; }

restore() {
  tools
  [ -n "${ONNXEFF_ORT_LIB:-}" ] || eng/fetch-onnxruntime.sh
  dotnet restore OnnxEff.sln -v quiet
}
build() { restore; dotnet build OnnxEff.sln -c Release --no-restore -v quiet; }
publish() {
  linker
  mkdir -p $bin
  if stale $bin/.cli src graph-passes eng/Leaf.targets; then
    echo "Publishing $bin/onnxeff" >&2
    touch $bin/.cli.next # What changes from now on is not part of it.
    aot src/OnnxEff.Cli -o artifacts/aot/cli
    cp artifacts/aot/cli/onnxeff $bin/ && mv $bin/.cli.next $bin/.cli
  fi
  if stale $bin/.ops src/OnnxEff.Ir src/OnnxEff.Formats src/OnnxEff.Rewriting src/OnnxEff.Ops custom-ops/cpu custom-ops/native eng/Leaf.targets; then
    echo "Publishing $bin/libonnxeff_ops.so" >&2
    touch $bin/.ops.next
    case $rid in *-x64) levels="baseline v3 v4" ;; *) levels=baseline ;; esac
    for isa in $levels; do aot custom-ops/native -p:OnnxEffIsa="$isa"; done
    mv $bin/.ops.next $bin/.ops
  fi
}
test() {
  restore; publish
  dotnet build tests -c Release --no-restore -v quiet
  local log=artifacts/test.log code=0
  ONNXEFF_CLI=$PWD/$bin/onnxeff dotnet artifacts/bin/OnnxEff.Tests/release/OnnxEff.Tests.dll -noColor "$@" | tee $log || code=$?
  awk 'match($0, /Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+/) {
         split(substr($0, RSTART, RLENGTH), n, /[^0-9]+/); seen = 1; failed = n[3] + n[4]; skipped = n[5]; passed = n[2] - n[4] - skipped }
       END { if (!seen) exit 1; printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped }' $log || fail "The tests did not finish."
  return "$code"
}
demo() {
  restore; publish
  local out=artifacts/demo/kjv.onnx prompt="<|endoftext|>And it came to pass in those days, that "
  $bin/onnxeff optimize models/kjv $out --force
  $bin/onnxeff bench models/kjv $out -p 512 -n 128
  for model in models/kjv $out; do echo "== 64 tokens from $model"; $bin/onnxeff generate "$model" --tokenizer models/kjv/tokenizer.json --prompt "$prompt" -n 64; done
}
benchmarks() { dotnet run --project tests/Benchmarks -c Release -v quiet -- "$@"; }
bench() {
  publish
  case ${1:-} in attention|masks|low-bit) benchmarks "$@" ;; *) $bin/onnxeff bench "$@" ;; esac
}
table() { publish; benchmarks table "$@"; }
pack() { publish; dotnet pack custom-ops/package -c Release -o artifacts/packages -v quiet; }
format() { tools; if [ "${1:-}" = fix ]; then dotnet format OnnxEff.sln; else dotnet format OnnxEff.sln --verify-no-changes; fi; }
clean() { rm -rf artifacts/bin artifacts/obj artifacts/publish artifacts/aot artifacts/packages artifacts/package; }

verb=${1:-}
[ -n "$verb" ] || { echo "./build.sh VERB"; verbs; exit 0; }
verbs | grep -q "^  $verb " || fail "'$verb' is no verb: ./build.sh lists them."
shift
"$verb" "$@"
