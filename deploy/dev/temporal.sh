# shellcheck shell=bash
# Temporal's development server of this checkout. Sourced by up and down, after lib.sh.

# temporal_server sets TEMPORAL_BIN: the pinned one if it was built, else the one on PATH, else the pinned one is built.
temporal_server() {
	TEMPORAL_BIN=$ROOT/bin/temporal
	[[ -x $TEMPORAL_BIN ]] && return
	if have temporal; then
		TEMPORAL_BIN=$(command -v temporal)
		return
	fi
	build bin/temporal "building Temporal's server into bin/ (once, a few minutes)"
}

temporal_ready() {
	answers "$DEV_TEMPORAL_PORT" &&
		"$TEMPORAL_BIN" operator cluster health --address "127.0.0.1:$DEV_TEMPORAL_PORT" \
			--command-timeout 5s --disable-config-file >/dev/null 2>&1 &&
		"$TEMPORAL_BIN" operator namespace describe --namespace default --address "127.0.0.1:$DEV_TEMPORAL_PORT" \
			--command-timeout 5s --disable-config-file >/dev/null 2>&1
}

up_temporal() {
	local fingerprint arguments
	temporal_server
	mkdir -p "$DEV/temporal"
	arguments=(
		server start-dev
		--ip 127.0.0.1 --port "$DEV_TEMPORAL_PORT" --ui-port "$DEV_UI_PORT"
		--db-filename "$DEV/temporal/temporal.db"
		--log-level warn
	)
	fingerprint=$(printf '%s\n' "$TEMPORAL_BIN" "${arguments[@]}" | cat - <(cksum <"$TEMPORAL_BIN") | cksum)
	if ! started_with temporal "$fingerprint"; then
		stop temporal TERM
		spawn temporal "$fingerprint" "$TEMPORAL_BIN" "${arguments[@]}"
	fi
	await temporal "see the log; make clean drops the server's database, make up makes a new one" temporal_ready
}
