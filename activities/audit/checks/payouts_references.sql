-- What a payout names is there: no foreign key is checked while payouts are written.
select 'payout ' || ref_externe as place, 'bulk ' || bulk as found, 'a bulk that is there' as expected
from payout p
where bulk is not null and not exists (select from bulk b where b.number = p.bulk)
union all
select 'payout ' || ref_externe, 'ledger account ' || account, 'the account of its CP'
from payout p
where not exists (select from account a where a.id = p.account and a.code = 'CP.' || p.account_id)
order by 1
