#!/usr/bin/env pwsh
# Builds OnnxEff. Without a verb it lists them. build.sh has the same verbs.
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
Set-Location $PSScriptRoot
$env:DOTNET_NOLOGO = 1; $env:DOTNET_CLI_TELEMETRY_OPTOUT = 1
$system = if ($IsLinux) { 'linux' } elseif ($IsMacOS) { 'osx' } else { 'win' }
$rid = "$system-$([Runtime.InteropServices.RuntimeInformation]::OSArchitecture.ToString().ToLowerInvariant())"
$exe = if ($system -eq 'win') { '.exe' } else { '' }
$bin = 'artifacts/bin'
$verb, $rest = $args

$verbs = @'
  restore   fetch NuGet packages and the native ONNX Runtime
  build     compile everything, warnings are errors
  test      run all tests; the last line is: N passed, N failed, N skipped
  publish   Native AOT command line and operator library into artifacts/bin
  demo      optimise, verify, measure and run the model in models/kjv
  bench     llama-bench's measurements: ./build.ps1 bench MODEL... [-p 512 -n 128 -d 0 -t 1,2];
            ./build.ps1 bench attention|masks|low-bit [--quick]: our kernels beside ONNX Runtime's
  table     ./build.ps1 table low-bit: quality, size and speed of every stored form, into docs/low-bit.md
  pack      the NuGet package with the operator library into artifacts/packages
  format    check the code style; ./build.ps1 format fix mends it
  clean     remove everything that was built; what was fetched stays
'@

function Need($tool, $install) { if (-not (Get-Command $tool -ErrorAction SilentlyContinue)) { throw "$tool is missing: install $install." } }
function Tools { Need dotnet 'the .NET 10 SDK (https://dotnet.microsoft.com/download)' }
function Linker {
  Tools
  if ($system -eq 'win') { return @() }  # The SDK finds Visual Studio's linker and says so when it is absent.
  if (Get-Command clang -ErrorAction SilentlyContinue) { return @() }
  Need gcc 'gcc or clang (Debian: apt install gcc libc6-dev zlib1g-dev)'
  return @('-p:CppCompilerAndLinker=gcc')
}
function Stale($stamp, $folders) {
  if (-not (Test-Path $stamp)) { return $true }
  $built = (Get-Item $stamp).LastWriteTimeUtc
  return [bool](Get-ChildItem ($folders + 'Directory.Build.props', 'Directory.Packages.props', 'global.json') -Recurse |
    Where-Object { $_.LastWriteTimeUtc -gt $built } | Select-Object -First 1)
}

function restore {
  Tools
  if (-not $env:ONNXEFF_ORT_LIB) { & eng/fetch-onnxruntime.ps1 }
  dotnet restore OnnxEff.sln -v quiet
}
function build { restore; dotnet build OnnxEff.sln -c Release --no-restore -v quiet }
function publish {
  $linker = Linker
  New-Item -ItemType Directory -Force $bin | Out-Null
  if (Stale "$bin/.cli" @('src', 'graph-passes', 'eng/Leaf.targets')) {
    dotnet publish src/OnnxEff.Cli -c Release -r $rid -v quiet -o artifacts/aot/cli @linker
    Copy-Item "artifacts/aot/cli/onnxeff$exe" $bin; Set-Content "$bin/.cli" ''
  }
  if (Stale "$bin/.ops" @('src/OnnxEff.Ir', 'src/OnnxEff.Formats', 'src/OnnxEff.Rewriting', 'src/OnnxEff.Ops', 'custom-ops/cpu', 'custom-ops/native', 'eng/Leaf.targets')) {
    $levels = if ($rid -like '*-x64') { 'baseline', 'v3', 'v4' } else { @('baseline') }
    foreach ($isa in $levels) { dotnet publish custom-ops/native -c Release -r $rid -v quiet "-p:OnnxEffIsa=$isa" @linker }
    Set-Content "$bin/.ops" ''
  }
}
function test {
  restore; publish
  dotnet build tests -c Release --no-restore -v quiet
  $PSNativeCommandUseErrorActionPreference = $false
  $env:ONNXEFF_CLI = "$PSScriptRoot/$bin/onnxeff$exe"
  dotnet artifacts/bin/OnnxEff.Tests/release/OnnxEff.Tests.dll -noColor @args | Tee-Object artifacts/test.log
  $code = $LASTEXITCODE
  $total = Select-String 'Total: (\d+), Errors: (\d+), Failed: (\d+), Skipped: (\d+)' artifacts/test.log | Select-Object -Last 1
  if (-not $total) { throw 'The tests did not finish.' }
  $all, $errors, $failed, $skipped = $total.Matches[0].Groups[1..4].Value | ForEach-Object { [int]$_ }
  Write-Output "$($all - $failed - $skipped) passed, $($failed + $errors) failed, $skipped skipped"
  exit $code
}
function demo {
  restore; publish
  $out = 'artifacts/demo/kjv.onnx'; $prompt = '<|endoftext|>And it came to pass in those days, that '
  & "$bin/onnxeff$exe" optimize models/kjv $out --force
  & "$bin/onnxeff$exe" bench models/kjv $out -p 512 -n 128
  foreach ($model in 'models/kjv', $out) {
    "== 64 tokens from $model"
    & "$bin/onnxeff$exe" generate $model --tokenizer models/kjv/tokenizer.json --prompt $prompt -n 64
  }
}
function Benchmarks { dotnet run --project tests/Benchmarks -c Release -v quiet -- @args }
function bench {
  publish
  if ($args[0] -in 'attention', 'masks', 'low-bit') { Benchmarks @args } else { & "$bin/onnxeff$exe" bench @args }
}
function table { publish; Benchmarks table @args }
function pack { publish; dotnet pack custom-ops/package -c Release -o artifacts/packages -v quiet }
function format { Tools; if ($args[0] -eq 'fix') { dotnet format OnnxEff.sln } else { dotnet format OnnxEff.sln --verify-no-changes } }
function clean { 'bin', 'obj', 'publish', 'aot', 'packages', 'package' | ForEach-Object { Remove-Item -Recurse -Force "artifacts/$_" -ErrorAction Ignore } }

if (-not $verb) { Write-Output './build.ps1 VERB' $verbs; exit 0 }
if ($verbs -notmatch "(?m)^  $([regex]::Escape($verb)) ") { throw "'$verb' is no verb: ./build.ps1 lists them." }
& $verb @rest
