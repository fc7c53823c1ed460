-- name: ReserveNumbers :many
select nextval('payout_number_seq')::bigint as number from generate_series(1, sqlc.arg(count)::int);

-- Orders of a session in a state and of a source, in the order of their numbers.
-- name: OrdersInState :many
select * from payout
where scope = sqlc.arg(scope) and state = sqlc.arg(state) and source = sqlc.arg(source)
  and number > sqlc.arg(after)
order by number
limit sqlc.arg(most);

-- name: NamedOrders :many
select * from payout
where scope = sqlc.arg(scope) and ref_externe = any (sqlc.arg(refs)::text[])
order by number;

-- Orders to be judged, those of a CP one after the other.
-- name: RequestedOrders :many
select * from payout
where scope = sqlc.arg(scope) and state = 'REQUESTED'
  and (account_id, number) > (sqlc.arg(account_id)::text, sqlc.arg(number)::bigint)
order by account_id, number
limit sqlc.arg(most);

-- The CPs mostly follow each other: what lies between the first and the last is read in one go.
-- name: SumsOfCPs :many
select account_id, sum(amount_cents)::bigint as sum
from payout
where scope = sqlc.arg(scope) and account_id between sqlc.arg(first)::text and sqlc.arg(last)::text
  and state = any (sqlc.arg(states)::text[])
group by account_id;

-- name: HeldCPs :many
select account_id from payout_hold where account_id = any (sqlc.arg(account_ids)::text[]) and released_at is null;

-- name: Standing :many
select source, state, reason, count(*) as orders, sum(amount_cents)::bigint as sum from payout
where scope = sqlc.arg(scope)
group by source, state, reason;

-- name: DecideOrders :execrows
update payout as p
set state = d.state, reason = d.reason, validator = sqlc.arg(validator)
from (select unnest(sqlc.arg(numbers)::bigint[]) as number, unnest(sqlc.arg(states)::text[]) as state,
             unnest(sqlc.arg(reasons)::text[]) as reason) as d
where p.number = d.number and p.state in ('REQUESTED', 'WAITING', 'VALIDATED');

-- name: PrepareOrders :execrows
update payout set state = 'PREPARED', batch = sqlc.arg(batch)::bigint
where number = any (sqlc.arg(numbers)::bigint[]) and state = 'VALIDATED';

-- name: DecideLines :execrows
update payline_line as l
set outcome = case when d.code = '' then 'ACCP' else 'RJCT' end, reject_code = d.code, decided_at = sqlc.arg(decided_at)
from (select unnest(sqlc.arg(files)::int[]) as file, unnest(sqlc.arg(lines)::int[]) as line,
             unnest(sqlc.arg(codes)::text[]) as code) as d
where l.file = d.file and l.line = d.line and l.outcome is null;
