select 'bulk', number || '' from bulk where name = @id or replace(bulk_id::text, '-', '') = replace(lower(@id), '-', '')
union all
select 'whole', number || '' from bulk where (name = @id or replace(bulk_id::text, '-', '') = replace(lower(@id), '-', '')) and purpose = 'PAYOUT'
union all
select 'settlement', s.number || '' from bulk b join settlement s on s.reference = b.name where b.name = @id or replace(b.bulk_id::text, '-', '') = replace(lower(@id), '-', '')
