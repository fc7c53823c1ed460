-- TR.PARK holds what the list of parked lines says that no operator has assigned.
select 'TR.PARK' as place, a.balance * 0.01 || '' as found, p.listed * 0.01 || ' by the list of parked lines' as expected
from (select coalesce(sum(credit_cents - debit_cents), 0) as balance from account where class = 'TR.PARK') as a,
     (select coalesce(sum(gross_cents), 0) as listed from parked_line where reason <> 'TO_DEBT' and assigned_to is null) as p
where a.balance <> p.listed
