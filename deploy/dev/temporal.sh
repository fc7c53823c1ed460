# shellcheck shell=bash
# Temporal's development server of this checkout. Sourced by up and down, after lib.sh.

# What the development server is told over its defaults. Milliseconds are medians of a workflow of 0, 1 and 5
# activities in sequence on two cores, default settings first: 50, 150, 550; with the first setting 7, 15, 53; with
# both 7, 12, 36.
TEMPORAL_SETTINGS=(
	# Each workflow task and each activity passes through the history shard's transfer queue, and its reader may load
	# 20 times a second by default. The development server has one shard, so each step waits for the next twentieth
	# of a second. High enough not to be met: the one shard of two cores makes some hundred steps a second.
	history.transferProcessorMaxPollRPS=2000
	# A task queue has four partitions by default. A task that lands in one where nobody polls is forwarded, and now and
	# then waits for seconds in the backlog (one workflow in ten above took two). One process needs one partition: 270
	# activities a second then, instead of 23 with the first setting alone.
	matching.numTaskqueueReadPartitions=1
	matching.numTaskqueueWritePartitions=1
)

# temporal_server sets TEMPORAL_BIN: the pinned one if it was built, else the one on PATH, else the pinned one is built.
temporal_server() {
	TEMPORAL_BIN=$ROOT/bin/temporal
	[[ -x $TEMPORAL_BIN ]] && return
	if have temporal; then
		TEMPORAL_BIN=$(command -v temporal)
		return
	fi
	build bin/temporal bin/temporal
}

temporal_ready() {
	answers "$DEV_TEMPORAL_PORT" &&
		"$TEMPORAL_BIN" operator cluster health --address "127.0.0.1:$DEV_TEMPORAL_PORT" \
			--command-timeout 5s --disable-config-file >/dev/null 2>&1 &&
		"$TEMPORAL_BIN" operator namespace describe --namespace default --address "127.0.0.1:$DEV_TEMPORAL_PORT" \
			--command-timeout 5s --disable-config-file >/dev/null 2>&1
}

up_temporal() {
	local fingerprint arguments setting
	temporal_server
	mkdir -p "$DEV/temporal"
	arguments=(
		server start-dev
		--ip 127.0.0.1 --port "$DEV_TEMPORAL_PORT" --ui-port "$DEV_UI_PORT"
		--db-filename "$DEV/temporal/temporal.db"
		--log-level warn
	)
	for setting in "${TEMPORAL_SETTINGS[@]}"; do
		arguments+=(--dynamic-config-value "$setting")
	done
	fingerprint=$(printf '%s\n' "$TEMPORAL_BIN" "${arguments[@]}" | cat - <(cksum <"$TEMPORAL_BIN") | cksum)
	if ! started_with temporal "$fingerprint"; then
		stop temporal TERM
		spawn temporal "$fingerprint" "$TEMPORAL_BIN" "${arguments[@]}"
	fi
	await temporal "see the log; make clean drops the server's database, make up makes a new one" temporal_ready
}
