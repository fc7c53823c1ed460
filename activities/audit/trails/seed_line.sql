select 'line', id from bank_line where id = @id
union all
select 'settlement', number || '' from settlement where bank_line_id = @id
union all
select 'whole', b.number || '' from settlement s join bulk b on b.name = s.reference where s.bank_line_id = @id
