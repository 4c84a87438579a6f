# Helpers of the stories: source this file first. A story then runs in network, process and mount
# namespaces of its own: every address of 127.0.0.0/8 and every port is free there, nothing can leave,
# stories run side by side, and whatever a story started ends with it, however it ends.
#
#   start_backend NAME ADDRESS [PORT]    a real HTTP server (default port 8080); /healthz says "ok"
#   stop_backend NAME                    ended at once: from now on connections are refused
#   freeze_backend NAME, thaw_backend NAME  accepts and never answers; answers again
#   bad_backend NAME ADDRESS PORT --mode MODE…  one that misbehaves: tests/support/bad_backend.py
#
#   start_daemon CONFIG [NAME]           swingoverd from CONFIG beside the story; waits for its `ready` line.
#                                        The file is copied into $work/NAME with its zone files; @WORK@ in
#                                        it becomes that folder (state_dir = "@WORK@/state"). A CONFIG that the
#                                        story wrote is an absolute path; zone files beside it come along.
#   stop_daemon [NAME]                   SIGTERM; must exit with 0 within 5 s
#   kill_daemon [NAME]                   SIGKILL
#   restart_daemon [NAME]                starts a stopped or killed one again from the same files and state
#   reload_daemon [NAME]                 SIGHUP; what came of it is in the log
#   config_of [NAME], log_of [NAME]      paths of the copy in use and of its log
#   says TEXT…                           the daemon's log has a line with these words
#   ctl VERB…                            swingctl against the daemon
#   refused STATUS WORDS COMMAND…        COMMAND exits with STATUS and says WORDS
#   admin_get PATH                       GET from the admin address; fails unless it is 200
#   metric_is NAME VALUE                 a sample without labels, scraped now
#
#   ask NAME TYPE [DIG OPTION…]          the answer's data, sorted, on one line
#   rcode NAME TYPE [DIG OPTION…]        NOERROR, NXDOMAIN, …
#   expect ANSWER NAME TYPE [OPTION…]    the whole answer, exactly ("" is none)
#   expect_rcode RCODE NAME TYPE [OPTION…]
#
#   within SECONDS COMMAND…              COMMAND comes true by then (fractions are fine)
#   stays SECONDS COMMAND…               COMMAND is true now, and at every look until then
#   fail WORDS…                          ends the story, blaming the story's own line
#   milliseconds                         a clock to subtract
#
# Where several daemons run, `daemon=NAME` in front chooses whom ask, expect, ctl and says address:
# `daemon=second expect "127.0.1.1" shop.svc.example.test A`. The default name is "edge".
set -euo pipefail

story=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
if [ -z "${SWINGOVER_STORY:-}" ]; then
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(--map-root-user)
  SWINGOVER_STORY=1 exec unshare "${as_root[@]}" --net --mount --pid --fork --kill-child --mount-proc \
    -- bash "$story" "$@"
fi
here=$(dirname "$story")
support=$here/../support
: "${SWINGOVERD:?is not set: the path of the daemon}" "${SWINGCTL:?is not set: the path of swingctl}"

PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
ip link set lo up
work=$(mktemp -d)
declare -A pid_of=()
daemon=edge

cleanup() {
  local status=$? pid log
  trap - EXIT INT TERM
  for pid in "${pid_of[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  { wait || true; } 2>/dev/null
  if [ "$status" != 0 ]; then
    for log in "$work"/*/log; do
      [ ! -s "$log" ] || { echo "--- the end of ${log#"$work"/}"; tail -n 40 "$log"; } >&2
    done
  fi
  cd /
  umount "$work"/*/state 2>/dev/null || true
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Blames the line of the story, whatever helpers lie in between.
fail() {
  local frame=0
  while [[ ${BASH_SOURCE[frame]:-} == */lib.sh ]]; do frame=$((frame + 1)); done
  echo "${BASH_SOURCE[frame]:-$0}:${BASH_LINENO[frame - 1]}: $*" >&2
  exit 1
}

milliseconds() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# "1.2" -> 1200
in_milliseconds() { awk -v seconds="$1" 'BEGIN { printf "%d", seconds * 1000 }'; }

within() {
  local until=$(($(milliseconds) + $(in_milliseconds "$1")))
  shift
  until ("$@") 2>"$work/last"; do
    [ "$(milliseconds)" -lt "$until" ] || { cat "$work/last" >&2; fail "not in time: $*"; }
    sleep 0.02
  done
}

stays() {
  local until=$(($(milliseconds) + $(in_milliseconds "$1")))
  shift
  while [ "$(milliseconds)" -lt "$until" ]; do
    ("$@") || fail "did not stay: $*"
    sleep 0.05
  done
}

accepts() { (: <"/dev/tcp/$1/$2") 2>/dev/null || fail "nothing accepts on $1 port $2"; }

start_backend() {
  local name=$1 address=$2 port=${3:-8080}
  mkdir -p "$work/$name"
  echo ok >"$work/$name/healthz"
  python3 -m http.server --bind "$address" --directory "$work/$name" "$port" >/dev/null 2>&1 &
  pid_of[$name]=$!
  within 10 accepts "$address" "$port"
}
bad_backend() {
  local name=$1
  shift
  python3 "$support/bad_backend.py" --bind "$1" --port "$2" "${@:3}" >/dev/null 2>&1 &
  pid_of[$name]=$!
  within 10 accepts "$1" "$2"
}
stop_backend() { end_process "$1" KILL; }
freeze_backend() { kill -STOP "${pid_of[$1]}"; }
thaw_backend() { kill -CONT "${pid_of[$1]}"; }

# The shell's own word on a killed child stays out of the story's output.
end_process() {
  local pid=${pid_of[$1]:?no process of this name}
  unset "pid_of[$1]"
  kill "-$2" "$pid"
  { wait "$pid" || true; } 2>/dev/null
}

start_daemon() {
  local name=${2:-edge}
  mkdir -p "$work/$name"
  local from=$here/$1
  [[ $1 != /* ]] || from=$1
  sed "s|@WORK@|$work/$name|g" "$from" >"$work/$name/config.toml"
  cp "$here"/*.zone "$work/$name/"
  cp "$(dirname "$from")"/*.zone "$work/$name/" 2>/dev/null || true
  restart_daemon "$name"
}
restart_daemon() {
  local name=${1:-edge}
  local log=$work/$name/log since
  since=$(milliseconds)
  [ ! -e "$log" ] || cat "$log" >>"$work/$name/log.before"
  : >"$log"
  "$SWINGOVERD" --config "$work/$name/config.toml" >>"$log" 2>&1 &
  pid_of[$name]=$!
  until grep -q '\bready udp=' "$log"; do
    kill -0 "${pid_of[$name]}" 2>/dev/null || fail "the daemon $name ended: $(tail -n 3 "$log")"
    [ $(($(milliseconds) - since)) -lt 10000 ] || fail "the daemon $name is not ready"
    sleep 0.02
  done
}
stop_daemon() {
  local name=${1:-edge} status=0 since
  local pid=${pid_of[$name]:?no daemon of this name}
  unset "pid_of[$name]"
  since=$(milliseconds)
  kill -TERM "$pid"
  wait "$pid" || status=$?
  [ "$status" = 0 ] || fail "the daemon $name exited with $status"
  [ $(($(milliseconds) - since)) -le 5000 ] || fail "the daemon $name took longer than 5 s to stop"
}
kill_daemon() { end_process "${1:-edge}" KILL; }
reload_daemon() { kill -HUP "${pid_of[${1:-edge}]}"; }
config_of() { echo "$work/${1:-edge}/config.toml"; }
log_of() { echo "$work/${1:-edge}/log"; }

says() { grep -qF -- "$*" "$(log_of "$daemon")" || fail "the log of $daemon does not say: $*"; }

# address_of KEY (udp, tcp, admin): from the daemon's ready line.
address_of() { sed -n "s/.* ready .*\b$1=\([^ ]*\).*/\1/p" "$(log_of "$daemon")" | tail -n 1; }

# admin_get PATH: the body; fails unless the status is 200.
admin_get() { python3 "$support/http_get.py" "$(address_of admin)" "$1"; }
# metric_is NAME VALUE: a sample without labels, as scraped now.
metric_is() {
  local got
  got=$(admin_get /metrics | awk -v name="$1" '$1 == name {print $2}')
  [ "$got" = "$2" ] || fail "$1 is '$got', wanted $2"
}
# jq_number KEY FILE: a number of a flat JSON object.
jq_number() { python3 -c 'import json, sys; print(json.load(open(sys.argv[2]))[sys.argv[1]])' "$1" "$2"; }

ctl() { "$SWINGCTL" --server "$(address_of admin)" "$@"; }
refused() {
  local wanted=$1 words=$2 got=0
  shift 2
  "$@" >"$work/told" 2>&1 || got=$?
  [ $got = "$wanted" ] || fail "$*: exit $got, wanted $wanted: $(cat "$work/told")"
  grep -qiF -- "$words" "$work/told" || fail "$*: does not say '$words': $(cat "$work/told")"
}

# raw_ask NAME TYPE [DIG OPTION…]: what dig prints.
raw_ask() {
  local name=$1 type=$2 address
  shift 2
  address=$(address_of udp)
  dig +tries=1 +time=1 "@$(sed 's/^\[\(.*\)\]$/\1/' <<<"${address%:*}")" -p "${address##*:}" "$name" "$type" "$@"
}
ask() {
  local got
  got=$(raw_ask "$1" "$2" +short "${@:3}") || { echo "no answer at all"; return; }
  sort <<<"$got" | paste -sd ' '
}
rcode() { raw_ask "$@" | sed -n 's/.*status: \([A-Z0-9]*\),.*/\1/p'; }

expect() {
  local wanted=$1 got
  shift
  got=$(ask "$@") || true
  [ "$got" = "$wanted" ] || fail "$*: wanted '$wanted', got '$got'"
}
expect_rcode() {
  local wanted=$1 got
  shift
  got=$(rcode "$@") || true
  [ "$got" = "$wanted" ] || fail "$*: wanted $wanted, got '$got'"
}
