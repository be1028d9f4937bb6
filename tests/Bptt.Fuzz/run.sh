#!/usr/bin/env bash
# Fuzzes readers of files with SharpFuzz and AFL++: files that reach new code are kept and changed further. Exit code 0: no
# crash, no hang, no exception that is not documented.
#
#   run.sh [executions [target...]]     a million for each of all targets where nothing is given
#
# Needs afl-fuzz (on Debian: apt-get install afl++). What it finds is left in the folder findings beside this script.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
executions=${1:-1000000}
shift || true
targets=("$@")
((${#targets[@]})) || targets=(model forecaster checkpoint safetensors npy npz onnx csv)

command -v afl-fuzz >/dev/null || {
  echo "afl-fuzz is needed; on Debian: apt-get install afl++." >&2
  exit 1
}
cd "$here/../.."
dotnet tool restore
dotnet publish -c Release "$here" -o "$here/bin/fuzz" --no-self-contained
for library in Bptt Bptt.Onnx Bptt.Cli; do
  dotnet sharpfuzz "$here/bin/fuzz/$library.dll"
done

export AFL_SKIP_BIN_CHECK=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1
export DOTNET_TieredCompilation=1 BPTT_KERNELS=Plain
status=0
for target in "${targets[@]}"; do
  findings=$here/findings/$target
  rm -rf "$findings"
  mkdir -p "$here/findings"
  afl-fuzz -i "$here/corpus/$target" -o "$findings" -t 5000 -m none -E "$executions" \
    dotnet "$here/bin/fuzz/Bptt.Fuzz.dll" "$target" >"$here/findings-$target.txt" 2>&1 || true
  stats=$findings/default/fuzzer_stats
  runs=$(sed -n 's/^execs_done *: //p' "$stats")
  crashes=$(sed -n 's/^saved_crashes *: //p' "$stats")
  hangs=$(sed -n 's/^saved_hangs *: //p' "$stats")
  corpus=$(sed -n 's/^corpus_count *: //p' "$stats")
  echo "$target: $runs runs, $corpus files that reach different code, $crashes crashes, $hangs hangs"
  ((crashes == 0 && hangs == 0 && runs >= executions)) || status=1
done
exit $status
