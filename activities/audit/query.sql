-- name: Counts :one
select now()::timestamptz as at,
       (select count(*) from entry) as entries,
       (select count(*) from account) as accounts,
       (select count(*) from vacation) as correlations,
       (select coalesce(sum(last_seq), 0) from vacation)::bigint as events,
       (select count(*) from settlement) as settlements,
       (select count(*) from cre_line) as cre_lines,
       (select count(*) from debt) as debts,
       (select count(*) from transfer_order) as orders,
       (select count(*) from payout) as payouts,
       (select count(*) from bulk) as bulks,
       (select count(*) from payline_line) as requests,
       (select count(*) from statement) as statements,
       (select count(*) from bank_line) as bank_lines,
       (select count(*) from operator_act) as acts;

-- name: RunByCorrelation :one
select kind, key from vacation where correlation_id = sqlc.arg(correlation_id)::text::uuid;

-- name: Runs :many
select number, kind, key, run, correlation_id::text as correlation_id, coalesce(follows::text, '')::text as follows,
       business_date::text as business_date, workflow_run, state, started_at, ended_at,
       coalesce(failure_code, '') as failure_code, coalesce(failure_step, '') as failure_step,
       coalesce(failure_message, '') as failure_message, last_seq
from vacation
where kind = sqlc.arg(kind) and key = sqlc.arg(key)
order by run;

-- name: RunNumber :one
select number, last_seq from vacation where correlation_id = sqlc.arg(correlation_id)::text::uuid;

-- name: SettlementByReference :one
select s.number, s.reference, s.scope, s.kind, s.operation_type, s.amount_cents, s.value_date::text as value_date,
       coalesce(s.file_name, '') as file_name, coalesce(encode(s.file_sha256, 'hex'), '')::text as file_sha256,
       coalesce(s.line_count, 0)::int as line_count, coalesce(s.gross_cents, 0)::bigint as gross_cents,
       coalesce(s.commission_cents, 0)::bigint as commission_cents, s.posted_lines, s.shortfall_cents, s.taken_cents, s.settled_at,
       p.lines as parked_lines, p.cents as parked_cents
from settlement s
         cross join lateral (select count(*) as lines, coalesce(sum(p.gross_cents), 0)::bigint as cents
                             from parked_line p
                             where p.settlement = s.number and p.reason <> 'TO_DEBT' and p.assigned_to is null) as p
where s.reference = sqlc.arg(reference);

-- name: ReferenceByScope :one
select reference from settlement where scope = sqlc.arg(scope);

-- name: CreLine :one
select c.line, c.settlement, s.reference, s.scope
from cre_line c join settlement s on s.number = c.settlement
where c.cre_id = sqlc.arg(cre_id);

-- name: EntriesByKind :many
select e.kind, count(*) as entries, sum(e.amount_cents)::bigint as amount_cents
from batch b join entry e on e.batch = b.id
where b.vacation = any (sqlc.arg(runs)::int[])
group by e.kind
order by min(b.id), min(e.ordinal);

-- name: Orders :many
select o.ref_externe, o.bulk_id::text as bulk_id, o.purpose, o.state, d.code as debtor, c.code as creditor, o.amount_cents,
       o.due_date::text as due_date, o.info, o.created_at
from batch b
         join transfer_order o on o.batch = b.id
         join account d on d.id = o.debtor
         join account c on c.id = o.creditor
where b.vacation = any (sqlc.arg(runs)::int[])
order by o.number;

-- name: Covers :many
select substr(d.code, length('DEBT.') + 1)::text as siret, substr(c.code, length('CP.') + 1)::text as account_id, e.amount_cents
from batch b
         join entry e on e.batch = b.id and e.kind = 'COVER'
         join account d on d.id = e.debit
         join account c on c.id = e.credit
where b.vacation = any (sqlc.arg(runs)::int[])
order by e.batch, e.ordinal
limit sqlc.arg(at_most);

-- A line that is asked for by its number is shown whatever became of it; a list
-- has those that wait for an operator.
-- name: ParkedLines :many
select s.reference, p.line, p.cre_id, p.account_id, p.siret, p.scheme, p.type, p.gross_cents, p.commission_cents, p.reason, p.parked_at,
       coalesce(p.assigned_to, '') as assigned_to, coalesce(p.assigned_batch, 0)::bigint as assigned_batch
from parked_line p join settlement s on s.number = p.settlement
where (s.reference = sqlc.arg(reference) or sqlc.arg(reference) = '')
  and (p.line = sqlc.arg(line) or sqlc.arg(line) = 0 and p.reason <> 'TO_DEBT' and p.assigned_to is null)
order by p.parked_at, p.settlement, p.line
limit sqlc.arg(at_most);

-- name: ParkedTotal :one
select count(*) as lines, coalesce(sum(gross_cents), 0)::bigint as gross_cents, coalesce(sum(commission_cents), 0)::bigint as commission_cents
from parked_line
where reason <> 'TO_DEBT' and assigned_to is null;

-- name: JournalLine :many
select e.batch, e.ordinal, e.kind, e.amount_cents, e.label, e.transaction_at, e.value_date::text as value_date,
       d.code as debit, c.code as credit, b.posted_at, v.number, v.correlation_id::text as correlation_id
from batch b
         join entry e on e.batch = b.id
         join account d on d.id = e.debit
         join account c on c.id = e.credit
         join vacation v on v.number = b.vacation
where b.scope = sqlc.arg(scope) and e.line = sqlc.arg(line)::int
order by e.batch, e.ordinal
limit 1;

-- name: EntryBlock :many
select first_seq, environment::text as environment, node, instant
from event_block
where vacation = sqlc.arg(vacation) and batch = sqlc.arg(batch)::bigint and rendered > sqlc.arg(ordinal)::int;

-- What a settlement took from a CP, or gave it, after its lines.
-- name: Consequences :many
select e.kind, e.label, e.amount_cents, d.code as debit, c.code as credit
from account a
         join batch b on b.scope = sqlc.arg(scope)
         join entry e on e.batch = b.id and e.kind in ('COMMISSION', 'COVER') and (e.debit = a.id or e.credit = a.id)
         join account d on d.id = e.debit
         join account c on c.id = e.credit
where a.code = sqlc.arg(code)
order by e.batch, e.ordinal;

-- name: Accounts :many
select code, class, debit_cents, credit_cents from account where code = any (sqlc.arg(codes)::text[]) order by code;

-- name: InternalAccounts :many
select code, class, debit_cents, credit_cents from account
where class in ('BK', 'TR.PARK', 'FEE', 'PL', 'EQ')
order by code;

-- name: Classes :many
select class, count(*) as accounts, sum(debit_cents)::bigint as debit_cents, sum(credit_cents)::bigint as credit_cents
from account
group by class
order by class;

-- name: LargestBalances :many
select code, class, debit_cents, credit_cents from account
where class = 'CP'
order by credit_cents - debit_cents desc, code
limit sqlc.arg(at_most);

-- name: OpenDebts :many
select siret, created_at, initial_cents, remaining_cents, modified_at from debt
where remaining_cents > 0
order by created_at, siret;

-- name: EventsByType :many
select type::text as type, sum(events)::bigint as events
from (select type, count(*) as events from event
      where vacation in (select number from vacation v where v.correlation_id::text = sqlc.arg(correlation_id) or sqlc.arg(correlation_id) = '')
      group by type
      union all
      select 'create-account-transaction', sum(rendered) from event_block
      where vacation in (select number from vacation v where v.correlation_id::text = sqlc.arg(correlation_id) or sqlc.arg(correlation_id) = '')
      having sum(rendered) > 0) as told
group by type
order by type;

-- name: BankLines :many
select b.id, b.account, s.sequence, s.date::text as date, b.ordinal, b.label, b.amount_cents, b.value_at, b.class, b.reference,
       b.reason, b.scope, (b.batch is not null)::bool as booked
from bank_line b join statement s on s.number = b.statement
where (b.class = sqlc.arg(class) or sqlc.arg(class) = '')
  and (s.date::text = sqlc.arg(date)::text or sqlc.arg(date)::text = '')
order by b.statement desc, b.ordinal
limit sqlc.arg(at_most);

-- name: Holds :many
select account_id, since, reason, released_at from payout_hold
where released_at is null or sqlc.arg(released)::bool
order by since, account_id
limit sqlc.arg(at_most);

-- name: Payouts :many
select p.ref_externe, p.end_to_end_id, p.source, p.account_id, p.creditor_iban, p.amount_cents, p.due_date::text as due_date,
       p.state, p.reason, p.validator, coalesce(b.name, '') as bulk, p.requested_at, p.settled_at
from payout p left join bulk b on b.number = p.bulk
where (p.state = sqlc.arg(state) or sqlc.arg(state) = '')
  and (p.account_id = sqlc.arg(account_id) or sqlc.arg(account_id) = '')
  and (p.due_date::text = sqlc.arg(date)::text or sqlc.arg(date)::text = '')
order by p.number desc
limit sqlc.arg(at_most);

-- name: PayoutsTotal :one
select count(*) as payouts, coalesce(sum(p.amount_cents), 0)::bigint as amount_cents
from payout p
where (p.state = sqlc.arg(state) or sqlc.arg(state) = '')
  and (p.account_id = sqlc.arg(account_id) or sqlc.arg(account_id) = '')
  and (p.due_date::text = sqlc.arg(date)::text or sqlc.arg(date)::text = '');

-- name: Bulks :many
select b.name, b.bulk_id::text as bulk_id, b.purpose, b.state, b.orders, b.amount_cents, b.due_date::text as due_date,
       v.kind, v.key, b.created_at, b.attempted_at, b.settled_at, b.detail, b.file_format,
       coalesce(encode(b.file_sha256, 'hex'), '')::text as file_sha256, coalesce(b.file_bytes, 0)::bigint as file_bytes
from bulk b join vacation v on v.number = b.vacation
where b.state = sqlc.arg(state) or sqlc.arg(state) = ''
order by b.number desc
limit sqlc.arg(at_most);

-- What is kept of bulks' way to the bank, and what the bank said of them.
-- name: Handovers :many
select b.name, b.state, (b.attempted_at is not null)::boolean as attempted,
       exists (select from bank_line l
               where l.reference = b.name and l.class in ('REMITTANCE', 'OWN') and l.amount_cents < 0)::boolean as debited,
       array(select distinct r.status from bank_report r where r.bulk = b.number)::text[] as reports
from bulk b
where b.name = any (sqlc.arg(names)::text[]);

-- name: Acts :many
select a.number, a.acted_at, a.actor, a.act, a.subject, a.before, a.after, a.reason,
       coalesce(v.correlation_id::text, '')::text as correlation_id
from operator_act a left join vacation v on v.number = a.vacation
order by a.number desc
limit sqlc.arg(at_most);

-- name: KnownBankLines :many
select id from bank_line where id = any (sqlc.arg(ids)::text[]);

-- name: Days :many
select date::text as date, run, workflow_run, started_at, ended_at, outcome from day
order by date desc, started_at desc
limit sqlc.arg(at_most);

-- name: TotalsOfRun :one
select coalesce(totals, 'null')::jsonb as totals from vacation where number = sqlc.arg(number);

-- name: RunOfWorkflow :one
select number from vacation where workflow_run = sqlc.arg(workflow_run);

-- name: AccountOfMerchant :one
select account from merchant where account_id = sqlc.arg(account_id);

-- name: OpenDebt :one
select number from debt where siret = sqlc.arg(siret) and remaining_cents > 0;

-- name: OpenHold :one
select since from payout_hold where account_id = sqlc.arg(account_id) and released_at is null;

-- name: RunningKey :one
select key from vacation where kind = sqlc.arg(kind) and state = 'RUNNING' order by number desc limit 1;

-- What the bank says of each account, what the books say, and all that sets them apart, in one statement, so that all is
-- of one moment. A booking whose bank line the bank reported before the first statement that was read is in that
-- statement's opening balance. A line whose règlement, or own money, was booked before its statement was read is booked,
-- also while the line is not marked so.
-- name: Positions :many
select a.code, (a.debit_cents - a.credit_cents)::bigint as books, coalesce(s.closing_cents, 0)::bigint as bank,
       coalesce(s.sequence, 0)::int as sequence,
       (select coalesce(sum(o.amount_cents), 0) from transfer_order o
        where o.debtor = a.id and o.debit_line is null and o.state <> 'REJECTED')::bigint as not_debited,
       (select coalesce(sum(l.amount_cents), 0) from bank_line l
        where l.account = a.code and l.batch is null
          and not exists (select from settlement t join batch b on b.scope = t.scope and b.step = 'open' and b.item = 0
                          where t.bank_line_id = l.id and a.code = 'BK.REG' and t.amount_cents = l.amount_cents)
          and not exists (select from batch b join entry e on e.batch = b.id and e.kind = 'FUNDING'
                          where b.scope = 'books' and b.step = 'fund/' || l.id and a.code = 'BK.FON'
                            and e.amount_cents = l.amount_cents))::bigint as not_booked,
       (coalesce((select sum(t.amount_cents)
                  from settlement t join batch b on b.scope = t.scope and b.step = 'open' and b.item = 0
                  where a.code = 'BK.REG' and t.bank_line_id <> ''
                    and (t.bank_line::jsonb ->> 'bookedDate')::timestamptz at time zone 'Europe/Paris' >= s.first
                    and not exists (select from bank_line l where l.id = t.bank_line_id)), 0)
           + coalesce((select sum(e.amount_cents)
                       from batch b join entry e on e.batch = b.id and e.kind = 'FUNDING'
                       where a.code = 'BK.FON' and b.scope = 'books' and b.posted_at at time zone 'Europe/Paris' >= s.first
                         and not exists (select from bank_line l where 'fund/' || l.id = b.step)), 0))::bigint as not_stated
from account a
         left join lateral (select closing_cents, sequence, min(date) over () as first from statement
                            where account = a.code order by sequence desc limit 1) as s on true
where a.class = 'BK'
order by a.id;
