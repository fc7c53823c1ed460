-- name: Counts :one
select now()::timestamptz as at,
       (select count(*) from entry) as entries,
       (select count(*) from account) as accounts,
       (select count(*) from vacation) as correlations,
       (select coalesce(sum(last_seq), 0) from vacation)::bigint as events,
       (select count(*) from settlement) as settlements,
       (select count(*) from cre_line) as cre_lines,
       (select count(*) from debt) as debts,
       (select count(*) from transfer_order) as orders;
