# shellcheck shell=bash
# The private PostgreSQL cluster of this checkout. Sourced by up, down and clean, after lib.sh.

# The oldest release that we test with; wal_compression = lz4 needs it.
POSTGRES_MIN_MAJOR=15
POSTGRES_ROLE=reglo
POSTGRES_DATABASE=reglo

# postgres_user prints who runs the server: it refuses to run as root.
postgres_user() {
	local user
	if [[ $(id -u) != 0 ]]; then
		id -un
		return
	fi
	for user in postgres nobody; do
		id "$user" >/dev/null 2>&1 && printf '%s\n' "$user" && return
	done
	die "PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody; run as an ordinary user"
}

# as_postgres COMMAND... runs it as that user, in a folder that every user can be in.
as_postgres() {
	(cd / && exec "${POSTGRES_AS[@]}" "$@")
}

# find_postgres sets POSTGRES_BIN, the folder of the server's programs: those of the cluster's release where a
# cluster exists.
find_postgres() {
	local wanted=$1 dir major dirs=()
	POSTGRES_BIN=
	if have initdb && have postgres; then
		dirs+=("$(dirname "$(readlink -f "$(command -v postgres)")")")
	fi
	while IFS= read -r dir; do
		dirs+=("$dir")
	done < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5,5nr)
	for dir in "${dirs[@]}"; do
		[[ -x $dir/postgres && -x $dir/initdb && -x $dir/pg_isready ]] || continue
		major=$("$dir/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
		if [[ -n $wanted && $major != "$wanted" ]] || ((major < POSTGRES_MIN_MAJOR)); then
			continue
		fi
		POSTGRES_BIN=$dir
		return 0
	done
	return 1
}

need_postgres() {
	local wanted=$1 what="PostgreSQL ${1:-$POSTGRES_MIN_MAJOR or later}"
	find_postgres "$wanted" && return
	if [[ $(id -u) == 0 ]] && have apt-get; then
		say "$what is not installed: installing it with apt-get (log: $LOGS/apt.log)"
		if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
			"postgresql${wanted:+-$wanted}"; } >"$LOGS/apt.log" 2>&1 </dev/null 9>&-; then
			fail_with_log apt "apt-get could not install PostgreSQL" \
				"install $what (server and client programs), then run this again"
		fi
		find_postgres "$wanted" && return
	fi
	if [[ -n $wanted ]]; then
		die "the cluster in $POSTGRES_DIR needs the server of $what, which is not installed; install it (Debian: apt-get install postgresql-$wanted), or drop the data with make clean"
	fi
	die "$what is not installed; install its server (Debian and Ubuntu: sudo apt-get install postgresql), then run this again"
}

# place_postgres sets POSTGRES_AS, POSTGRES_OWNER and POSTGRES_DIR. The cluster is in the checkout, unless its user
# cannot reach it there (a checkout under /root): then under /var/lib, in a folder named by the checkout's path.
place_postgres() {
	local id
	POSTGRES_OWNER=$(postgres_user)
	POSTGRES_AS=()
	if [[ $(id -u) == 0 ]]; then
		have setpriv || die "PostgreSQL does not run as root, and setpriv (util-linux) is missing; install it or run as an ordinary user"
		POSTGRES_AS=(setpriv --reuid "$POSTGRES_OWNER" --regid "$(id -g "$POSTGRES_OWNER")" --clear-groups)
	fi
	POSTGRES_DIR=$(remembered DEV_POSTGRES_DIR)
	[[ -n $POSTGRES_DIR && -e $POSTGRES_DIR ]] && return
	POSTGRES_DIR=$DEV/postgres
	if ! as_postgres test -x "$DEV"; then
		id=$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)
		POSTGRES_DIR=/var/lib/reglo-dev/$id
	fi
}

# fingerprint_postgres: what it was started with decides whether it must be started again. The release too, to the last
# digit: a server whose package was upgraded under it can no longer load its own libraries.
fingerprint_postgres() {
	cat "$ROOT/deploy/dev/postgresql.conf" \
		<(printf '%s\n' "$DEV_POSTGRES_PORT" "$POSTGRES_BIN" && "$POSTGRES_BIN/postgres" --version) | cksum
}

# postgres_password prints the password of the one role, a superuser, and makes it up the first time. Without one,
# whoever has an account on this machine could have the server run programs through its loopback port.
postgres_password() {
	local file=$POSTGRES_DIR/password
	if [[ ! -f $file ]]; then
		# 16 random bytes, in hexadecimal: nothing to escape in a URL.
		od -An -N16 -tx1 /dev/urandom | tr -d ' \n' | (umask 077 && as_postgres tee "$file" >/dev/null)
	fi
	as_postgres cat "$file"
}

create_cluster() {
	local unfinished=$POSTGRES_DIR/data.new
	say "creating a PostgreSQL cluster in $POSTGRES_DIR/data"
	rm -rf "$unfinished"
	# Byte order everywhere: the same on every machine, and sorted like the engine sorts.
	if ! as_postgres "$POSTGRES_BIN/initdb" --pgdata "$unfinished" --username "$POSTGRES_ROLE" \
		--pwfile "$POSTGRES_DIR/password" --auth scram-sha-256 --encoding UTF8 --no-locale \
		--data-checksums >"$LOGS/initdb.log" 2>&1; then
		fail_with_log initdb "initdb could not create the cluster" "free disk space or fix the permissions named above, then run this again"
	fi
	printf "\ninclude 'reglo.conf'\n" | as_postgres tee -a "$unfinished/postgresql.conf" >/dev/null
	as_postgres mv "$unfinished" "$POSTGRES_DIR/data"
}

# postgres_data_unused: no process works in the data folder. A server killed with -9 leaves some that end by themselves
# within a moment.
postgres_data_unused() {
	local cwd
	for cwd in /proc/[0-9]*/cwd; do
		[[ $(readlink "$cwd" 2>/dev/null) != "$POSTGRES_DIR/data" ]] || return 1
	done
}

# drop_dead_locks removes the locks of a server that was killed: the number in them may be another program's by now, or
# that of a process which nobody has waited for yet, and PostgreSQL would take it for a server. Only where /proc could
# prove that nobody works there.
drop_dead_locks() {
	[[ ! -d /proc/self ]] || rm -f "$POSTGRES_DIR/data/postmaster.pid" "$POSTGRES_DIR"/.s.PGSQL.*
}

postgres_ready() {
	"$POSTGRES_BIN/pg_isready" -q -h 127.0.0.1 -p "$DEV_POSTGRES_PORT" -d postgres
}

postgres_query() {
	PGPASSWORD=$POSTGRES_PASSWORD "$POSTGRES_BIN/psql" -X -q -A -t -w -v ON_ERROR_STOP=1 \
		-h 127.0.0.1 -p "$DEV_POSTGRES_PORT" -U "$POSTGRES_ROLE" "$@"
}

up_postgres() {
	local wanted='' fingerprint
	if [[ -f $POSTGRES_DIR/data/PG_VERSION ]]; then
		wanted=$(<"$POSTGRES_DIR/data/PG_VERSION")
	fi
	need_postgres "$wanted"
	if [[ ! -d $POSTGRES_DIR ]]; then
		install -d -m 755 "$(dirname "$POSTGRES_DIR")"
		install -d -m 700 "$POSTGRES_DIR"
		[[ $(id -u) != 0 ]] || chown "$POSTGRES_OWNER:" "$POSTGRES_DIR"
	fi
	POSTGRES_PASSWORD=$(postgres_password)
	fingerprint=$(fingerprint_postgres)
	if started_with postgres "$fingerprint"; then
		await postgres "make down, then make up" postgres_ready
		return
	fi
	stop postgres INT
	[[ -d $POSTGRES_DIR/data ]] || create_cluster
	as_postgres tee "$POSTGRES_DIR/data/reglo.conf" >/dev/null <"$ROOT/deploy/dev/postgresql.conf"
	until_true "$STOPPED_WITHIN_SECONDS" postgres_data_unused ||
		die "another PostgreSQL works in $POSTGRES_DIR/data; stop it, then run this again"
	drop_dead_locks
	# The path of a Unix socket has at most 107 bytes. Loopback serves every client, so a long path goes without one.
	local socket=$POSTGRES_DIR
	((${#socket} <= 80)) || socket=
	spawn postgres "$fingerprint" "${POSTGRES_AS[@]}" "$POSTGRES_BIN/postgres" -D "$POSTGRES_DIR/data" \
		-p "$DEV_POSTGRES_PORT" -c listen_addresses=127.0.0.1 -c "unix_socket_directories=$socket"
	await postgres "see the log; make clean drops this cluster and its data, make up makes a new one" postgres_ready
	if [[ $(postgres_query -d postgres -c "SELECT 1 FROM pg_database WHERE datname = '$POSTGRES_DATABASE'") != 1 ]]; then
		postgres_query -d postgres -c "CREATE DATABASE $POSTGRES_DATABASE"
	fi
}
