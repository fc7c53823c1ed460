# shellcheck shell=bash
# Functions and places shared by the scripts of this folder. Sourced, never run.
#
# Everything that the platform of one machine writes is under $DEV (.dev in the checkout): env (addresses and
# ports, to be sourced), logs/, run/ (who runs), data/ (the engine's files), temporal/, bank/, erp/ and systempay/ (what the
# stand-ins for partners keep), secrets/ and, where the user that runs PostgreSQL can reach it, postgres/.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
DEV=$ROOT/.dev
RUN=$DEV/run
LOGS=$DEV/logs
ENV_FILE=$DEV/env
# What the bank has got and what it has for us, as the stand-in for the product between us keeps it.
export BANK=$DEV/bank
if [[ $ROOT == *\'* ]]; then
	printf "error: the checkout's path holds a quote, which .dev/env cannot hold: %s; move it\n" "$ROOT" >&2
	exit 1
fi

# A program that is not healthy after this many seconds will not be without help. PostgreSQL after a crash replays at
# most max_wal_size of WAL, which takes less.
HEALTHY_WITHIN_SECONDS=${DEV_HEALTHY_WITHIN_SECONDS:-90}
# The worker drains on SIGTERM; a chunk in flight is far shorter than this.
STOPPED_WITHIN_SECONDS=${DEV_STOPPED_WITHIN_SECONDS:-30}
# Between two looks at a condition: short enough not to be felt, long enough to leave the processor to what starts.
POLL_SECONDS=0.1

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
	warn "error: $*"
	exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# until_true SECONDS COMMAND... polls until the command succeeds; 1 when the deadline passes first.
until_true() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < deadline)) || return 1
		sleep "$POLL_SECONDS"
	done
}

# ---------------------------------------------------------------- processes
#
# A pid alone names nobody: the kernel gives it away again. run/NAME.pid holds the pid and what tells the process from
# a later one with the same number, its start time (and the boot, which start times count from).

# birth PID prints what identifies the process for ever; fails when it is gone or a zombie.
birth() {
	local pid=$1 stat fields
	if [[ -d /proc/self ]]; then
		{ stat=$(<"/proc/$pid/stat"); } 2>/dev/null || return 1
		# The second field is the command in parentheses and may hold spaces: fields are counted from behind it.
		read -ra fields <<<"${stat##*) }"
		[[ ${fields[0]} != Z && ${fields[0]} != X ]] || return 1
		printf '%s@%s\n' "${fields[19]}" "$(</proc/sys/kernel/random/boot_id)"
	else
		stat=$(LC_ALL=C ps -o stat=,lstart= -p "$pid" 2>/dev/null) || return 1
		[[ -n $stat && $stat != Z* ]] || return 1
		printf '%s\n' "${stat#* }" | tr -s ' ' '_'
	fi
}

# pid_of NAME prints the pid of the program if it is the one we started and it lives.
pid_of() {
	local pid born
	[[ -f $RUN/$1.pid ]] || return 1
	read -r pid born <"$RUN/$1.pid" || return 1
	[[ -n $pid && $(birth "$pid") == "$born" ]] || return 1
	printf '%s\n' "$pid"
}
running() { pid_of "$1" >/dev/null; }

# spawn NAME FINGERPRINT COMMAND... starts a daemon with its output in logs/NAME.log. The fingerprint says with what
# binary and settings it was started, so that a later `up` can tell whether it is still what is wanted.
spawn() {
	local name=$1 fingerprint=$2 pid born detach=nohup
	shift 2
	# A log a start, and the one before it: what is shown after a failure is of this start.
	if [[ -s $LOGS/$name.log ]]; then mv -f "$LOGS/$name.log" "$LOGS/$name.log.1"; fi
	# A session of its own keeps it out of reach of the terminal's Ctrl-C.
	have setsid && detach=setsid
	(cd / && exec "$detach" "$@" >>"$LOGS/$name.log" 2>&1 </dev/null 9>&-) &
	pid=$!
	born=$(birth "$pid") || born=gone
	printf '%s %s\n' "$pid" "$born" >"$RUN/$name.pid"
	printf '%s\n' "$fingerprint" >"$RUN/$name.fingerprint"
	disown "$pid" 2>/dev/null || true
}

# started_with NAME FINGERPRINT: it runs, and was started with this.
started_with() {
	running "$1" && [[ -f $RUN/$1.fingerprint && $(<"$RUN/$1.fingerprint") == "$2" ]]
}

# stop NAME SIGNAL ends what we started, and only that.
stop() {
	local name=$1 signal=$2 pid
	if pid=$(pid_of "$name"); then
		kill -s "$signal" "$pid" 2>/dev/null || true
		if ! until_true "$STOPPED_WITHIN_SECONDS" gone "$name"; then
			warn "$name (pid $pid) did not end within $STOPPED_WITHIN_SECONDS s of SIG$signal: killed"
			kill -s KILL "$pid" 2>/dev/null || true
			until_true 10 gone "$name" || die "$name (pid $pid) does not end even on SIGKILL"
		fi
		say "$name stopped"
	fi
	rm -f "$RUN/$name.pid" "$RUN/$name.fingerprint"
}
gone() { ! running "$1"; }

# await NAME ADVICE HEALTHCHECK... returns when the program that was spawned answers; when it dies or the deadline
# passes, shows the end of its log and what to do.
await() {
	local name=$1 advice=$2 deadline=$((SECONDS + HEALTHY_WITHIN_SECONDS))
	shift 2
	until "$@"; do
		running "$name" || fail_with_log "$name" "$name ended while it started" "$advice"
		((SECONDS < deadline)) || fail_with_log "$name" \
			"$name is not healthy after $HEALTHY_WITHIN_SECONDS s" "$advice"
		sleep "$POLL_SECONDS"
	done
}
fail_with_log() {
	local name=$1 what=$2 advice=$3
	warn "error: $what. The last lines of $LOGS/$name.log:"
	tail -n 20 "$LOGS/$name.log" 2>/dev/null | sed 's/^/    /' >&2 || true
	warn "what to do: $advice"
	exit 1
}

# ---------------------------------------------------------------- ports

# answers PORT: something listens there on loopback.
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port WANTED TAKEN... prints WANTED, or the next port above it that nobody listens on and is not in TAKEN.
free_port() {
	local wanted=$1 port
	shift
	for ((port = wanted; port < wanted + 200 && port < 65536; port++)); do
		[[ " $* " == *" $port "* ]] && continue
		answers "$port" || { printf '%s\n' "$port" && return; }
	done
	die "no free port from $wanted to $((port - 1)) on 127.0.0.1; free one, or set another start (see deploy/dev/up --help)"
}

# http METHOD PORT PATH: it answers 200. Plain bash, as a bare machine has no curl.
http() {
	local status
	{
		exec 4<>"/dev/tcp/127.0.0.1/$2" || return 1
		printf '%s %s HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n' "$1" "$3" >&4
		IFS= read -r -t 5 status <&4 || status=
		exec 4>&-
	} 2>/dev/null
	[[ $status == HTTP/1.?\ 200* ]]
}
http_ok() { http GET "$@"; }

# secret FILE makes a file with a secret of this machine's own, once.
secret() {
	[[ -s $1 ]] || (
		umask 077
		mkdir -p "${1%/*}"
		od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$1.new"
		mv "$1.new" "$1"
	)
}

# ---------------------------------------------------------------- the environment file

# remembered NAME prints the value that .dev/env holds, or nothing. Read, not sourced: the caller's own environment
# stays as it is.
remembered() {
	[[ -f $ENV_FILE ]] || return 0
	sed -n "s/^export $1='\(.*\)'\$/\1/p" "$ENV_FILE" | tail -n 1
}

# ---------------------------------------------------------------- one at a time

# lock makes two `up` or `down` at once follow one another.
lock() {
	mkdir -p "$DEV" "$RUN" "$LOGS"
	have flock || return 0
	exec 9>"$DEV/lock"
	flock -n 9 && return
	say "another deploy/dev script is at work in this checkout: waiting for it"
	# Longer than the first build of everything takes on a slow machine.
	flock -w 1800 9 || die "it has held $DEV/lock for half an hour; end it, then run this again"
}

# ---------------------------------------------------------------- building

# build TARGET PROGRAM... runs a target of the Makefile, which pins versions and knows what is up to date. Announced
# only where a program is missing, as only then it takes minutes.
build() {
	local target=$1 program
	shift
	have go || die "Go is not installed or not on PATH; install the release that go.mod names (https://go.dev/dl), then run this again"
	for program in "$@"; do
		[[ -x $ROOT/$program ]] || say "building $program (the first time takes minutes; log: $LOGS/build.log)"
	done
	if ! "${MAKE:-make}" --no-print-directory -s -C "$ROOT" "$target" >"$LOGS/build.log" 2>&1 </dev/null 9>&-; then
		fail_with_log build "building $* failed" "fix what the compiler names above, then run this again"
	fi
}
