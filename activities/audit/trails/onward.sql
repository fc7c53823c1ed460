-- The next payouts of a payment account that were posted after a batch.
select 'payout', p.number || ''
from payout p
where p.account_id = @account_id and p.batch > @after
order by p.batch, p.number
limit @first
