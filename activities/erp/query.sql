-- The bulks that the bank has and whose payouts the ERP is not told of yet.
-- name: BulksToPlan :many
select b.number, v.number as vacation, v.business_date::text as business_date
from bulk b join vacation v on v.number = b.vacation
where b.purpose = 'PAYOUT' and b.state in ('SENT', 'EXECUTED') and v.business_date >= sqlc.arg(since)::text::date
  and not exists (select from erp_bulk e where e.bulk = b.number)
  and not exists (select from payout p where p.bulk = b.number and p.state in ('PREPARED', 'UNKNOWN'))
order by b.number;

-- A second planner waits here for the first one's commit.
-- name: ClaimBulk :execrows
insert into erp_bulk (bulk, planned_at) values (sqlc.arg(bulk), sqlc.arg(planned_at))
on conflict (bulk) do nothing;

-- name: PayoutsToPlan :many
select p.number, p.ref_externe, p.amount_cents, coalesce(m.erp_third_party, '')::text as third_party
from payout p left join merchant m on m.account_id = p.account_id
where p.bulk = sqlc.arg(bulk)::int and p.state in ('SENT', 'EXECUTED') and p.number > sqlc.arg(after)
order by p.number
limit sqlc.arg(most)::int;

-- Two planners at once would insert the same rows, which one unique index takes
-- for the same and another for a mistake: the second waits for the first.
-- name: LockPlanning :exec
select pg_advisory_xact_lock(hashtextextended('erp-plan/' || sqlc.arg(dossier)::text, 0));

-- Of a settlement that a correction was planned for, the first attempt is there.
-- name: SettlementsToPlan :many
select s.reference, s.amount_cents, v.number as vacation, v.business_date::text as business_date
from settlement s join vacation v on v.kind || '/' || v.key = s.scope and v.state = 'ENDED'
where s.kind = 'TRANSACTION' and s.settled_at is not null and s.amount_cents > 0
  and v.business_date >= sqlc.arg(since)::text::date
  and not exists (select from erp_posting e where e.kind = 'SETTLEMENT' and e.reference = s.reference)
order by s.number
limit sqlc.arg(most)::int;

-- A label that stands for another settlement already is an error, not a conflict.
-- name: Plan :execrows
insert into erp_posting (kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, posting_date, vacation,
                         planned_at, state, class, detail, settled_at)
select sqlc.arg(kind), x.reference, 1, sqlc.arg(dossier), x.third_party, sqlc.arg(direction), sqlc.arg(means), x.amount_cents, x.label,
       sqlc.arg(posting_date)::text::date, sqlc.arg(vacation)::int, sqlc.arg(planned_at)::timestamptz,
       case when x.third_party = '' then 'INVALID' else 'PREPARED' end,
       case when x.third_party = '' then 'INVALID' else '' end,
       case when x.third_party = '' then sqlc.arg(no_third_party)::text else '' end,
       case when x.third_party = '' then sqlc.arg(planned_at)::timestamptz end
from (select unnest(sqlc.arg(reference)::text[]) as reference, unnest(sqlc.arg(third_party)::text[]) as third_party,
             unnest(sqlc.arg(amount_cents)::bigint[]) as amount_cents, unnest(sqlc.arg(label)::text[]) as label) as x
on conflict (kind, reference, attempt) do nothing;

-- name: SomethingDue :one
select exists (select from erp_posting p
               where p.dossier = sqlc.arg(dossier) and p.state in ('PREPARED', 'SENT', 'UNKNOWN', 'ACCEPTED_WITHOUT_ID')
                 and (p.state in ('PREPARED', 'SENT') or not p.looked_up and sqlc.arg(tries)::int >
                      (select count(*) from erp_attempt a where a.posting = p.number and a.what = 'FIND' and a.called_at >= p.attempted_at)))::boolean;

-- The ERP takes one call at a time a dossier.
-- name: LockDossier :exec
select pg_advisory_lock(hashtextextended('erp/' || sqlc.arg(dossier)::text, 0));

-- name: UnlockDossier :exec
select pg_advisory_unlock(hashtextextended('erp/' || sqlc.arg(dossier)::text, 0));

-- What is to be sent, and what is in doubt and of which the ERP could not be
-- asked, unless that was tried too often.
-- name: NextDue :one
select p.number from erp_posting p
where p.dossier = sqlc.arg(dossier) and p.state in ('PREPARED', 'SENT', 'UNKNOWN', 'ACCEPTED_WITHOUT_ID') and p.number > sqlc.arg(after)
  and (p.state in ('PREPARED', 'SENT') or not p.looked_up and sqlc.arg(tries)::int >
       (select count(*) from erp_attempt a where a.posting = p.number and a.what = 'FIND' and a.called_at >= p.attempted_at))
order by p.number
limit 1;

-- name: Posting :one
select number, kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, piece_prefix, piece, bank,
       posting_date::text as posting_date, state, class, attempts
from erp_posting where number = sqlc.arg(number);

-- name: LockPosting :one
select number, kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, state, class, attempts, transaction_id
from erp_posting where number = sqlc.arg(number)
for update;

-- name: DepositItems :many
select p.number, p.kind, p.reference, p.amount_cents, p.transaction_id
from erp_deposit_item i join erp_posting p on p.number = i.item
where i.deposit = sqlc.arg(deposit)
order by i.ordinal;

-- name: Intend :execrows
update erp_posting
set state = 'SENT', attempts = attempts + 1, looked_up = false, attempted_at = sqlc.arg(attempted_at)::timestamptz, payload_sha256 = sqlc.arg(payload_sha256)::bytea
where number = sqlc.arg(number) and state = 'PREPARED';

-- What did not get as far as an intent.
-- name: NoteNotSent :execrows
update erp_posting set attempts = attempts + 1, class = sqlc.arg(class), detail = sqlc.arg(detail)
where number = sqlc.arg(number) and state = 'PREPARED';

-- Only the outcome of the last attempt counts.
-- name: Settle :execrows
update erp_posting
set state = sqlc.arg(state), class = sqlc.arg(class), detail = sqlc.arg(detail), settled_at = sqlc.narg(settled_at)::timestamptz,
    transaction_id = sqlc.arg(transaction_id), looked_up = looked_up or sqlc.arg(looked_up)::boolean
where number = sqlc.arg(number) and state = sqlc.arg(before) and attempts = sqlc.arg(attempts);

-- name: InsertAttempt :exec
insert into erp_attempt (posting, call, what, called_at, class, tier, error_code, result_code, reply, reply_sha256, detail)
values (sqlc.arg(posting), (select coalesce(max(a.call), 0) + 1 from erp_attempt a where a.posting = sqlc.arg(posting)), sqlc.arg(what),
        sqlc.arg(called_at), sqlc.arg(class), sqlc.arg(tier), sqlc.arg(error_code), sqlc.arg(result_code), sqlc.arg(reply)::bytea,
        sha256(sqlc.arg(reply)::bytea), sqlc.arg(detail));

-- name: Tally :exec
insert into erp_tally (what, class, tier, calls) values (sqlc.arg(what), sqlc.arg(class), sqlc.arg(tier), 1)
on conflict (what, class, tier) do update set calls = erp_tally.calls + 1;

-- What waits for an operator: what is in doubt, and what was refused and not corrected.
-- name: Postings :many
select p.number, p.kind, p.reference, p.attempt, p.third_party, p.direction, p.amount_cents, p.label, p.posting_date::text as posting_date,
       p.state, p.class, p.attempts, p.attempted_at, p.transaction_id, p.detail
from erp_posting p
where (sqlc.arg(state)::text = '' or p.state = sqlc.arg(state)::text)
  and (not sqlc.arg(operator)::boolean or p.state in ('UNKNOWN', 'ACCEPTED_WITHOUT_ID')
       or p.state in ('REJECTED', 'INVALID') and not exists
           (select from erp_posting n where n.kind = p.kind and n.reference = p.reference and n.attempt > p.attempt))
order by p.number desc
limit sqlc.arg(most)::int;

-- name: NumberOfLabel :one
select number from erp_posting where label = sqlc.arg(label);

-- name: Shown :one
select p.number, p.kind, p.reference, p.attempt, p.dossier, p.third_party, p.direction, p.means, p.amount_cents, p.label, p.piece_prefix, p.piece,
       p.bank, p.posting_date::text as posting_date, p.planned_at, p.state, p.class, p.detail, p.attempts, p.attempted_at,
       coalesce(p.payload_sha256, '') as payload_sha256, p.settled_at, p.transaction_id,
       coalesce(v.kind || '/' || v.key, '')::text as vacation, coalesce(v.correlation_id::text, '')::text as correlation
from erp_posting p left join vacation v on v.number = p.vacation
where p.number = sqlc.arg(number);

-- name: Calls :many
select call, what, called_at, class, tier, error_code, result_code, reply, reply_sha256, detail
from erp_attempt where posting = sqlc.arg(posting)
order by call;

-- name: NewestAttempt :one
select max(attempt)::int from erp_posting where kind = sqlc.arg(kind) and reference = sqlc.arg(reference);

-- name: PayoutNow :one
select p.amount_cents, coalesce(m.erp_third_party, '')::text as third_party
from payout p left join merchant m on m.account_id = p.account_id
where p.ref_externe = sqlc.arg(ref_externe);

-- name: SettlementNow :one
select amount_cents from settlement where reference = sqlc.arg(reference);

-- A further attempt at what an earlier row was refused for.
-- name: Again :one
insert into erp_posting (kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, piece_prefix, piece, bank,
                         posting_date, vacation, planned_at, state)
select kind, reference, sqlc.arg(attempt), sqlc.arg(dossier), sqlc.arg(third_party), direction, means, sqlc.arg(amount_cents), sqlc.arg(label),
       piece_prefix, piece, bank, posting_date, vacation, sqlc.arg(planned_at), 'PREPARED'
from erp_posting old where old.number = sqlc.arg(old)
returning number;

-- name: CopyItems :exec
insert into erp_deposit_item (deposit, ordinal, item)
select sqlc.arg(deposit)::bigint, ordinal, item from erp_deposit_item old where old.deposit = sqlc.arg(old);

-- name: DepositNamed :one
select number, bank, state, array(select item from erp_deposit_item i where i.deposit = p.number order by ordinal)::bigint[] as items
from erp_posting p where kind = 'DEPOSIT' and reference = sqlc.arg(name)
order by attempt desc
limit 1;

-- A deposit that the ERP, or our rules, refused has taken nothing to the bank.
-- name: DepositOf :many
select p.reference from erp_deposit_item i join erp_posting p on p.number = i.deposit
where i.item = sqlc.arg(item) and p.number <> sqlc.arg(but) and p.state not in ('REJECTED', 'INVALID');

-- name: InsertDeposit :one
insert into erp_posting (kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, bank, posting_date, planned_at, state)
values ('DEPOSIT', sqlc.arg(reference), 1, sqlc.arg(dossier), '', 1, sqlc.arg(means), sqlc.arg(amount_cents), sqlc.arg(label), sqlc.arg(bank),
        sqlc.arg(posting_date)::text::date, sqlc.arg(planned_at), 'PREPARED')
returning number;

-- name: InsertDepositItem :exec
insert into erp_deposit_item (deposit, ordinal, item) values (sqlc.arg(deposit), sqlc.arg(ordinal), sqlc.arg(item));
