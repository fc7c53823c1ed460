-- name: LastStatement :one
select sequence, bank_number, date::text as date, closing_cents from statement
where account = sqlc.arg(account)
order by sequence desc
limit 1;

-- name: FileStatements :many
select account, bank_number, date::text as date from statement where sha256 = sqlc.arg(sha256) order by ordinal;

-- name: InsertStatement :one
insert into statement (account, sequence, bank_number, date, opening_cents, closing_cents, lines, format, file_name, sha256, ordinal,
                       vacation, read_at)
values (sqlc.arg(account), sqlc.arg(sequence), sqlc.arg(bank_number), sqlc.arg(date)::text::date, sqlc.arg(opening_cents),
        sqlc.arg(closing_cents), sqlc.arg(lines), sqlc.arg(format), sqlc.arg(file_name), sqlc.arg(sha256), sqlc.arg(ordinal),
        sqlc.arg(vacation), sqlc.arg(read_at))
returning number;

-- name: KnownLines :many
select l.id, l.account, s.bank_number, s.date::text as date, l.label, l.amount_cents, l.booked_at, l.transaction_at, l.value_at
from bank_line l join statement s on s.number = l.statement
where l.id = any (sqlc.arg(ids)::text[])
order by l.statement, l.ordinal;

-- name: InsertLines :exec
insert into bank_line (id, statement, ordinal, account, label, amount_cents, booked_at, transaction_at, value_at, class, reference,
                       operation_type, reason)
select unnest(sqlc.arg(ids)::text[]), sqlc.arg(statement)::int, unnest(sqlc.arg(ordinals)::int[]), sqlc.arg(account)::text,
       unnest(sqlc.arg(labels)::text[]), unnest(sqlc.arg(amounts)::bigint[]), unnest(sqlc.arg(booked_at)::timestamptz[]),
       unnest(sqlc.arg(transaction_at)::timestamptz[]), unnest(sqlc.arg(value_at)::timestamptz[]), unnest(sqlc.arg(classes)::text[]),
       unnest(sqlc.arg(refs)::text[]), unnest(sqlc.arg(operation_types)::text[]), unnest(sqlc.arg(reasons)::text[]);

-- name: InsertDetails :exec
insert into bank_line_detail (line, ordinal, end_to_end_id, amount_cents, code)
select unnest(sqlc.arg(lines)::text[]), unnest(sqlc.arg(ordinals)::int[]), unnest(sqlc.arg(end_to_end_ids)::text[]),
       unnest(sqlc.arg(amounts)::bigint[]), unnest(sqlc.arg(codes)::text[]);

-- Lines whose règlement was started by hand, from the bank's own identifier, before their statement was read.
-- name: BookSettled :execrows
update bank_line l set scope = s.scope, batch = b.id
from settlement s join batch b on b.scope = s.scope and b.step = 'open' and b.item = 0
where l.id = s.bank_line_id and l.account = 'BK.REG' and l.amount_cents = s.amount_cents and l.batch is null;

-- Lines of own money that was taken into the books under the bank's own identifier before their statement was read.
-- name: BookFunded :execrows
update bank_line l set scope = b.scope, batch = b.id
from batch b join entry e on e.batch = b.id and e.kind = 'FUNDING'
where b.scope = 'books' and b.step = 'fund/' || l.id and l.account = 'BK.FON' and l.amount_cents = e.amount_cents and l.batch is null;

-- name: ReadSoFar :many
select s.account, count(*) as statements, sum(s.lines)::bigint as lines
from vacation v join statement s on s.vacation = v.number
where v.kind = sqlc.arg(kind) and v.key = sqlc.arg(key)
group by s.account;

-- name: UnknownLines :one
select count(*) from bank_line where class = 'UNKNOWN' and batch is null;

-- name: LockOwnLines :many
select id, account, amount_cents, transaction_at, value_at, reference from bank_line
where class = 'OWN' and batch is null
order by statement, ordinal
limit sqlc.arg(at_most)
for update;

-- The bulk is locked before its order, as by whoever hands bulks over.
-- name: LockBulk :one
select number, state from bulk where name = sqlc.arg(name) and purpose <> 'PAYOUT' for update;

-- name: LockOrder :one
select o.number, o.batch, b.scope, o.ref_externe, o.state, d.code as debtor, c.code as creditor, o.amount_cents, o.info,
       coalesce(o.debit_line, '') as debit_line, coalesce(o.credit_line, '') as credit_line
from transfer_order o
         join batch b on b.id = o.batch
         join account d on d.id = o.debtor
         join account c on c.id = o.creditor
where o.bulk = sqlc.arg(bulk)::int
for update of o;

-- name: DebitSeen :exec
update transfer_order set debit_line = sqlc.arg(line)::text, state = sqlc.arg(state) where number = sqlc.arg(number);

-- name: CreditSeen :exec
update transfer_order set credit_line = sqlc.arg(line)::text, state = 'EXECUTED' where number = sqlc.arg(number);

-- name: BulkSeen :exec
update bulk
set state = sqlc.arg(state)::text, attempted_at = coalesce(attempted_at, sqlc.arg(at)::timestamptz),
    settled_at = case when sqlc.arg(state)::text = 'EXECUTED' then sqlc.arg(at)::timestamptz end
where number = sqlc.arg(number) and state <> sqlc.arg(state)::text;

-- name: BookLine :exec
update bank_line set scope = sqlc.arg(scope)::text, batch = sqlc.arg(batch)::bigint where id = sqlc.arg(id);

-- name: QueueLine :exec
update bank_line set class = 'UNKNOWN', reason = sqlc.arg(reason)::text where id = sqlc.arg(id);

-- name: TransfersClosed :one
select count(*) from batch b join entry e on e.batch = b.id
where b.scope = sqlc.arg(scope) and b.step = sqlc.arg(step) and e.kind = 'TRANSFER_IN';

-- name: LinesToSettle :many
select id, label, amount_cents, booked_at, transaction_at, value_at, class, reference, operation_type from bank_line
where account = 'BK.REG' and batch is null
  and class in ('SETTLEMENT_TRANSACTION', 'SETTLEMENT_UNPAID', 'REMITTANCE', 'REJECTS')
order by statement, ordinal
limit sqlc.arg(at_most);

-- name: SessionState :many
select state from vacation where kind = sqlc.arg(kind) and key = sqlc.arg(key) order by run desc limit 1;

-- name: LastSafeguarding :one
select date::text as date from safeguarding where date < sqlc.arg(before)::text::date order by safeguarding.date desc limit 1;

-- name: SafeguardingRun :one
select vacation from safeguarding where date = sqlc.arg(date)::text::date for update;

-- What need not stand on cantonnement any more of what was owed at the end of one day, up to another: debits of payment
-- accounts and of parked lines, but for what went to another of them; and payouts that were ordered up to the first day, and
-- that the bank debited or refused since, or has and did not debit yet: règlement keeps these.
-- name: LeftClients :one
select coalesce((select sum(e.amount_cents)
                 from vacation v join batch b on b.vacation = v.number join entry e on e.batch = b.id
                 where v.business_date > sqlc.arg(after)::text::date and v.business_date <= sqlc.arg(up_to)::text::date
                   and e.kind = any (sqlc.arg(kinds)::text[])), 0)::bigint as accounts,
       (coalesce((select sum(e.amount_cents)
                  from vacation v
                           join batch b on b.vacation = v.number
                           join entry e on e.batch = b.id and e.kind in ('REMITTED', 'NOT_SENT')
                           join account a on a.id = e.debit
                           join payout p on p.ref_externe = substr(a.code, length('TR.OUT.') + 1)
                           join batch pb on pb.id = p.batch
                           join vacation pv on pv.number = pb.vacation
                  where v.business_date > sqlc.arg(after)::text::date and v.business_date <= sqlc.arg(up_to)::text::date
                    and pv.business_date <= sqlc.arg(after)::text::date), 0)
           + coalesce((select sum(p.amount_cents)
                       from bulk u
                                join payout p on p.bulk = u.number and p.debit_line is null
                                join batch pb on pb.id = p.batch
                                join vacation pv on pv.number = pb.vacation
                       where u.purpose = 'PAYOUT' and u.state in ('PREPARED', 'SENT', 'UNKNOWN') and u.attempted_at is not null
                         and pv.business_date <= sqlc.arg(after)::text::date), 0))::bigint as with_bank;

-- name: SaveSafeguarding :exec
insert into safeguarding (date, vacation, payment_accounts_cents, parked_cents, payouts_cents, rejects_cents, reglement_cents,
                          cantonnement_cents, transit_cents, to_clear_cents, covers_cents, left_today_cents, cantonnement_due_cents,
                          to_cantonnement_cents, stated_at)
values (sqlc.arg(date)::text::date, sqlc.arg(vacation), sqlc.arg(payment_accounts_cents), sqlc.arg(parked_cents),
        sqlc.arg(payouts_cents), sqlc.arg(rejects_cents), sqlc.arg(reglement_cents), sqlc.arg(cantonnement_cents),
        sqlc.arg(transit_cents), sqlc.arg(to_clear_cents), sqlc.arg(covers_cents), sqlc.arg(left_today_cents),
        sqlc.arg(cantonnement_due_cents), sqlc.arg(to_cantonnement_cents), sqlc.arg(stated_at))
on conflict (date) do update
set vacation = excluded.vacation, payment_accounts_cents = excluded.payment_accounts_cents, parked_cents = excluded.parked_cents,
    payouts_cents = excluded.payouts_cents, rejects_cents = excluded.rejects_cents, reglement_cents = excluded.reglement_cents,
    cantonnement_cents = excluded.cantonnement_cents, transit_cents = excluded.transit_cents,
    to_clear_cents = excluded.to_clear_cents, covers_cents = excluded.covers_cents, left_today_cents = excluded.left_today_cents,
    cantonnement_due_cents = excluded.cantonnement_due_cents, to_cantonnement_cents = excluded.to_cantonnement_cents,
    stated_at = excluded.stated_at;
