# Puts the native ONNX Runtime library into artifacts/ort/. Nothing is fetched when it is already there.
# The NuGet package is tried first; feeds without it are common, so the npm package, whose bytes are pinned here, follows.
$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '..')

$version = '1.30.0'
$tarballSha256 = '6e3390d6b783e7be946fad629292799da28d0b42f84856e50d2c1b0383291e75'

$architecture = [System.Runtime.InteropServices.RuntimeInformation]::OSArchitecture.ToString().ToLowerInvariant()
$system = if ($IsLinux) { 'linux' } elseif ($IsMacOS) { 'osx' } else { 'win' }
$known = @{
  'linux-x64'   = @('linux/x64/libonnxruntime.so.1', 'libonnxruntime.so', 'ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23')
  'linux-arm64' = @('linux/arm64/libonnxruntime.so.1', 'libonnxruntime.so', '1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76')
  'osx-arm64'   = @('darwin/arm64/libonnxruntime.1.dylib', 'libonnxruntime.dylib', '685d2be5dba1309c89d3a5324b7fd06a5c42f1a61bfea32d14c4cc28d072121d')
  'win-x64'     = @('win32/x64/onnxruntime.dll', 'onnxruntime.dll', '508c362f5673483dd3a086379c392795b2e42d10d5e6f3f90ebd7ac21c97af67')
  'win-arm64'   = @('win32/arm64/onnxruntime.dll', 'onnxruntime.dll', '6c3a2abf5c6aca11c48a0d338a91af309f2266f25ce2e4084e6a87bbcb0fbfd0')
}
$rid = "$system-$architecture"
if (-not $known.ContainsKey($rid)) {
  throw "No prebuilt ONNX Runtime $version is known for ${rid}: build it, and set ONNXEFF_ORT_LIB to the library."
}
$member, $name, $librarySha256 = $known[$rid]

$target = "artifacts/ort/$name"
if (Test-Path $target) { exit 0 }

$work = "artifacts/ort/fetch.$PID"
New-Item -ItemType Directory -Force $work | Out-Null
try {
  if (Get-Command dotnet -ErrorAction SilentlyContinue) {
    dotnet package download "Microsoft.ML.OnnxRuntime@$version" --output "$work/nuget" *> $null
    $found = Get-ChildItem "$work/nuget" -Recurse -Filter $name -ErrorAction SilentlyContinue |
      Where-Object { $_.FullName -replace '\\', '/' -like "*runtimes/$rid/native/*" } | Select-Object -First 1
    if ($found) {
      Move-Item $found.FullName $target
      Write-Output "ONNX Runtime $version from NuGet: $target"
      exit 0
    }
  }

  if (-not (Get-Command npm -ErrorAction SilentlyContinue)) {
    throw 'ONNX Runtime is missing and npm, which would fetch it, is too: install Node.js with npm, or set ONNXEFF_ORT_LIB.'
  }
  Push-Location $work
  try { npm pack --silent "onnxruntime-node@$version" | Out-Null } finally { Pop-Location }
  $tarball = "$work/onnxruntime-node-$version.tgz"
  if (-not (Test-Path $tarball)) {
    throw "npm could not fetch onnxruntime-node@${version}: check the registry and the network, or set ONNXEFF_ORT_LIB."
  }
  $served = (Get-FileHash -Algorithm SHA256 $tarball).Hash.ToLowerInvariant()
  if ($served -ne $tarballSha256) {
    throw "The registry served other bytes than pinned for onnxruntime-node@$version (SHA-256 $served); nothing was installed."
  }
  tar -xzf $tarball -C $work "package/bin/napi-v6/$member"
  $library = "$work/package/bin/napi-v6/$member"
  $served = (Get-FileHash -Algorithm SHA256 $library).Hash.ToLowerInvariant()
  if ($served -ne $librarySha256) {
    throw "The library inside onnxruntime-node@$version differs from the pinned one (SHA-256 $served); nothing was installed."
  }
  Move-Item $library $target
  Write-Output "ONNX Runtime $version from npm: $target"
}
finally {
  Remove-Item -Recurse -Force $work -ErrorAction SilentlyContinue
}
