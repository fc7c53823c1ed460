-- name: InsertNotice :execrows
insert into webhook_notice (key, server, event, transfer, direction, filename, bytes, at, received_at)
values (sqlc.arg(key), sqlc.arg(server), sqlc.arg(event), sqlc.arg(transfer), sqlc.arg(direction), sqlc.arg(filename),
        sqlc.arg(bytes), sqlc.arg(at), sqlc.arg(received_at))
on conflict (key) do nothing;

-- The latest ones, so that those which nobody can deal with keep no others from being seen, in the order in which they came.
-- name: OpenNotices :many
select key, transfer, filename, bytes
from (
    select key, transfer, filename, bytes, received_at from webhook_notice
    where handled_at is null and server = sqlc.arg(server) and event = 'TRANSFER_COMPLETED' and direction = 'RECEIVE'
    order by received_at desc, key desc
    limit sqlc.arg(at_most)
) as latest
order by received_at, key;

-- name: NoticesHandled :exec
update webhook_notice set handled_at = sqlc.arg(handled_at)::timestamptz where key = any (sqlc.arg(keys)::text[]) and handled_at is null;

-- Notices that announce nothing: of files that we sent, and of those that did not arrive.
-- name: NoticesNoted :exec
update webhook_notice set handled_at = sqlc.arg(handled_at)::timestamptz
where handled_at is null and (direction <> 'RECEIVE' or event <> 'TRANSFER_COMPLETED');

-- name: DeleteNotices :exec
delete from webhook_notice where handled_at < sqlc.arg(before)::timestamptz;

-- name: ListNotices :many
select key, server, event, transfer, direction, filename, bytes, at, received_at, handled_at from webhook_notice
where received_at >= sqlc.arg(since)
order by received_at desc, key
limit sqlc.arg(at_most);

-- Whoever moves files of the work folder does so alone, for the moment of a rename.
-- name: Lock :exec
select pg_advisory_xact_lock(sqlc.arg(key)::bigint);

-- name: KnownOffer :one
select file from received_offer
where partner = sqlc.arg(partner) and name = sqlc.arg(name) and transfer = sqlc.arg(transfer) and bytes = sqlc.arg(bytes)
  and modified_at = sqlc.arg(modified_at);

-- name: InsertOffer :exec
insert into received_offer (partner, name, transfer, bytes, modified_at, file)
values (sqlc.arg(partner), sqlc.arg(name), sqlc.arg(transfer), sqlc.arg(bytes), sqlc.arg(modified_at), sqlc.arg(file))
on conflict do nothing;

-- name: CountAgain :one
update received_file set times_received = times_received + 1, last_at = greatest(last_at, sqlc.arg(at)::timestamptz)
where sha256 = sqlc.arg(sha256)
returning number, state, inbox_name;

-- name: InsertFile :one
insert into received_file (sha256, partner, name, transfer, bytes, bytes_said, state, first_at, last_at)
values (sqlc.arg(sha256), sqlc.arg(partner), sqlc.arg(name), sqlc.arg(transfer), sqlc.arg(bytes), sqlc.arg(bytes_said), 'STORED',
        sqlc.arg(at), sqlc.arg(at))
returning number;

-- A file of which the bytes were lost, and came again.
-- name: Restore :exec
update received_file set state = 'STORED', detail = '' where number = sqlc.arg(number);

-- name: ForgetOffers :exec
delete from received_offer where file = sqlc.arg(file);

-- name: Stored :many
select number, sha256, partner, name, bytes, bytes_said, said_kind, said_name from received_file
where state = 'STORED' and (number = sqlc.arg(number) or sqlc.arg(number) = 0)
order by number;

-- name: LockFile :one
select number, sha256, partner, name, state, kind, inbox_name, said_kind, said_name, decisions from received_file
where number = sqlc.arg(number)
for update;

-- name: NameTaken :one
select exists (select from received_file where inbox_name = sqlc.arg(inbox_name) and number <> sqlc.arg(number));

-- name: SnapshotTaken :one
select exists (select from merchant_snapshot where sequence = sqlc.arg(sequence));

-- name: PaylineTaken :one
select exists (select from payline_file where sequence = sqlc.arg(sequence) and refused = '');

-- name: Place :exec
update received_file set kind = sqlc.arg(kind), format = sqlc.arg(format), inbox_name = sqlc.arg(inbox_name)
where number = sqlc.arg(number);

-- name: Route :exec
update received_file set state = 'ROUTED', routed_at = sqlc.arg(routed_at)::timestamptz, detail = '' where number = sqlc.arg(number);

-- name: Hold :exec
update received_file
set state = 'HELD', kind = sqlc.arg(kind), format = sqlc.arg(format), detail = sqlc.arg(detail), inbox_name = ''
where number = sqlc.arg(number);

-- name: Say :exec
update received_file
set state = 'STORED', said_kind = sqlc.arg(said_kind), said_name = sqlc.arg(said_name), decisions = decisions + 1
where number = sqlc.arg(number);

-- name: Discard :exec
update received_file set state = 'DISCARDED', decisions = decisions + 1 where number = sqlc.arg(number);

-- name: States :many
select encode(sha256, 'hex')::text as sha256, state from received_file where sha256 = any (sqlc.arg(sums)::bytea[]);

-- name: ListFiles :many
select number, encode(sha256, 'hex')::text as sha256, partner, name, bytes, bytes_said, state, kind, format, detail, inbox_name,
       said_kind, times_received, first_at, last_at, routed_at
from received_file
where (sqlc.arg(state)::text = '' or state = sqlc.arg(state)) and (sqlc.arg(kind)::text = '' or kind = sqlc.arg(kind))
  and last_at >= sqlc.arg(since)
order by number desc
limit sqlc.arg(at_most);

-- name: FindFiles :many
select number from received_file
where starts_with(encode(sha256, 'hex'), sqlc.arg(sha256)::text)
order by number
limit 2;

-- name: Awaiting :many
select (kind || '/' || key)::text as id from vacation
where state = 'RUNNING' and kind = any (sqlc.arg(kinds)::text[])
order by number;
