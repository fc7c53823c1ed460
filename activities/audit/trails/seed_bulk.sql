select 'bulk', number || '' from bulk where name = @id or bulk_id::text = lower(@id)
union all
select 'whole', number || '' from bulk where (name = @id or bulk_id::text = lower(@id)) and purpose = 'PAYOUT'
union all
select 'settlement', s.number || '' from bulk b join settlement s on s.reference = b.name where b.name = @id or b.bulk_id::text = lower(@id)
