#!/usr/bin/env bash
# Builds everything with warnings as errors, checks the formatting, runs all tests.
# Needs the .NET SDK (10.0) and nothing else; works without network once packages are restored. As root on Debian or Ubuntu it
# installs the PostgreSQL and the Chromium that some tests start; where there is none, they are skipped and say so.
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MALLOC_ARENA_MAX=2

wanted=()
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || wanted+=(postgresql)
[ -x /usr/bin/chromium ] || [ -x /usr/bin/chromium-browser ] || wanted+=(chromium)
if [ ${#wanted[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -q || true
  for package in "${wanted[@]}"; do
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$package" \
      || echo "test.sh: $package could not be installed" >&2
  done
fi

dotnet build CoSeR.slnx -c Release -p:Lint=true

# The test executable itself, not `dotnet test`: its closing lines reach the log.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
artifacts/bin/Coser.Tests/release/Coser.Tests -noColor "$@" 2>&1 | tee "$log" || status=$?

grep -ahoE '^fixtures: .*' "$log" | tail -n 1 || true
awk '/Total: [0-9]+, Errors:/ {
  gsub(",", ""); for (i = 1; i < NF; i++) v[$i] = $(i + 1)
  printf "tests: %d passed, %d failed, %d skipped\n", v["Total:"] - v["Failed:"] - v["Errors:"] - v["Skipped:"], v["Failed:"] + v["Errors:"], v["Skipped:"]
}' "$log"
exit "$status"
