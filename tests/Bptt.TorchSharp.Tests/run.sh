#!/usr/bin/env bash
# Builds and runs the tests and samples of Bptt.TorchSharp. Exit code 0: all passed; 77: skipped, because the native library
# of torch does not run on this system; another: something failed.
#
#   run.sh [results]      a folder for the .trx file
#
# On Linux the library needs a C++ library with GLIBCXX_3.4.32. Debian 12 has an older one: there the runtime is copied and
# runs against the C and C++ libraries of Debian 13, which are downloaded, unpacked and kept in a cache. Nothing is installed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
results=${1:-$here/TestResults}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bptt-torch
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip() {
  echo "SKIPPED: $1" >&2
  exit 77
}

has_cpp_library() {
  local library
  for library in $(PATH=$PATH:/usr/sbin:/sbin ldconfig -p | sed -n 's/.*libstdc++\.so\.6 .*=> //p'); do
    grep -q 'GLIBCXX_3\.4\.32' "$library" && return
  done
  return 1
}

# A copy of the runtime that runs against newer libraries: $cache/dotnet/dotnet with LD_LIBRARY_PATH=$libraries.
fetch_newer_libraries() {
  libraries=$cache/root/usr/lib/x86_64-linux-gnu
  local runtime version
  runtime=$(dirname "$(readlink -f "$(command -v dotnet)")")
  version=$(dotnet --version)
  [[ -x $cache/dotnet/dotnet && $(cat "$cache/version" 2>/dev/null) == "$version" ]] && return

  (. /etc/os-release && [[ $ID == debian ]]) && command -v apt-get >/dev/null || return 1
  local sources
  sources=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -n 1)
  [[ -n $sources ]] || return 1
  rm -rf "$cache"
  mkdir -p "$cache"/{lists/partial,archives/partial,debs,root,dotnet}
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $sources trixie main" >"$cache/sources.list"
  local apt=(apt-get -q -o "Dir::Etc::SourceList=$cache/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$cache/lists" -o "Dir::Cache=$cache" -o "Dir::Cache::Archives=$cache/archives"
    -o "APT::Sandbox::User=$(id -un)")
  (cd "$cache/debs" && "${apt[@]}" update && "${apt[@]}" download libc6 libstdc++6 libgcc-s1 patchelf) || return 1
  local package
  for package in "$cache"/debs/*.deb; do
    dpkg -x "$package" "$cache/root" || return 1
  done

  # The interpreter of the copy is the newer loader; patchelf needs it itself.
  mkdir "$cache/dotnet/shared" && cp -r "$runtime"/{host,dotnet} "$cache/dotnet/" &&
    cp -r "$runtime/shared/Microsoft.NETCore.App" "$cache/dotnet/shared/" || return 1
  local loader=$libraries/ld-linux-x86-64.so.2
  "$loader" --library-path "$libraries" "$cache/root/usr/bin/patchelf" --set-interpreter "$loader" "$cache/dotnet/dotnet" ||
    return 1
  echo "$version" >"$cache/version"
}

newer=
case $(uname -s)-$(uname -m) in
  Linux-x86_64)
    host=(dotnet)
    if ! has_cpp_library; then
      fetch_newer_libraries >"$work/fetch.txt" 2>&1 || {
        cat "$work/fetch.txt" >&2
        skip "torch needs a C++ library with GLIBCXX_3.4.32, and none could be found."
      }
      host=(env "DOTNET_ROOT=$cache/dotnet" "LD_LIBRARY_PATH=$libraries" "$cache/dotnet/dotnet")
      # For the process that runs the tests, and no other: others would not start with these libraries.
      newer="<DotNetHostPath>$cache/dotnet/dotnet</DotNetHostPath><EnvironmentVariables>"
      newer+="<DOTNET_ROOT>$cache/dotnet</DOTNET_ROOT><LD_LIBRARY_PATH>$libraries</LD_LIBRARY_PATH></EnvironmentVariables>"
    fi
    ;;
  Darwin-arm64 | MINGW*-x86_64 | MSYS*-x86_64) host=(dotnet) ;;
  *) skip "there is no native library of torch for $(uname -s) on $(uname -m)." ;;
esac
sed "s|</RunConfiguration>|$newer&|" "$root/tests/ordinary.runsettings" >"$work/tests.runsettings"

status=0
dotnet build -c Release "$here" &&
  dotnet test -c Release --no-build "$here" --settings "$work/tests.runsettings" --logger trx --results-directory "$results" ||
  status=1

# For this system alone, so that not the native libraries of all are copied.
for sample in "$root"/src/Bptt.TorchSharp/samples/*.cs; do
  name=$(basename "$sample" .cs)
  echo "== sample $name"
  dotnet build -c Release --use-current-runtime --no-self-contained "$sample" -o "$work/sample" &&
    "${host[@]}" "$work/sample/$name.dll" || {
    echo "FAILED: sample $name" >&2
    status=1
  }
  rm -rf "$work/sample"
done
exit $status
