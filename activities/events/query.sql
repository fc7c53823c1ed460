-- Correlations that have events which the sink was not told of, oldest first.
-- name: Pending :many
select v.number, v.correlation_id, coalesce(d.delivered_seq, 0)::bigint as delivered_seq, v.last_seq
from vacation v
         left join delivery d on d.vacation = v.number and d.sink = sqlc.arg(sink)
where v.number >= sqlc.arg(floor)
  and v.last_seq > coalesce(d.delivered_seq, 0)
order by v.number
limit sqlc.arg(at_most);

-- The lowest number under which nothing is left to deliver, now or later.
-- name: Floor :one
select coalesce(min(v.number) filter (where v.state = 'RUNNING' or v.last_seq > coalesce(d.delivered_seq, 0)),
                max(v.number) + 1, 0)::int as floor
from vacation v
         left join delivery d on d.vacation = v.number and d.sink = sqlc.arg(sink);

-- name: Backlog :one
select coalesce(sum(v.last_seq - coalesce(d.delivered_seq, 0)), 0)::bigint as events
from vacation v
         left join delivery d on d.vacation = v.number and d.sink = sqlc.arg(sink);

-- name: Advance :exec
insert into delivery (sink, vacation, delivered_seq, delivered_at)
values (sqlc.arg(sink), sqlc.arg(vacation), sqlc.arg(delivered_seq), sqlc.arg(delivered_at))
on conflict (sink, vacation) do update
    set delivered_seq = excluded.delivered_seq, delivered_at = excluded.delivered_at;

-- name: TryLock :one
select pg_try_advisory_lock(hashtextextended('reglo events relay ' || sqlc.arg(sink)::text, 0)) as locked;

-- The block of one event and those that follow it.
-- name: Blocks :many
select b.first_seq, b.last_seq, b.rendered, coalesce(b.batch, 0)::bigint as batch,
       b.environment::text as environment, b.node, b.instant
from event_block b
where b.vacation = sqlc.arg(vacation)
  and b.first_seq >= (select coalesce(max(c.first_seq), 0)
                      from event_block c
                      where c.vacation = sqlc.arg(vacation) and c.first_seq <= sqlc.arg(seq))
order by b.first_seq
limit sqlc.arg(at_most);

-- name: CPs :many
select id, substr(code, length('CP.') + 1)::text as account_id
from account
where id = any (sqlc.arg(ids)::int[]) and class = 'CP';
