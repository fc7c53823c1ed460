select 'SIRET ' || siret as place, count(*) || ' open debts' as found, 'one at most' as expected
from debt
where remaining_cents > 0
group by siret
having count(*) > 1
order by siret
