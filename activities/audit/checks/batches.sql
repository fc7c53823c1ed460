-- Entries belong to a batch: what was committed once, under its key.
select 'batch ' || e.batch as place, e.entries || ' entries of no batch' as found, 'a batch' as expected
from (select batch, count(*) as entries from entry group by batch) as e
where not exists (select from batch b where b.id = e.batch)
order by e.batch
