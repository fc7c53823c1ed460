-- Files by their SHA-256, or its first twelve hexadecimal digits or more.
select 'settlement', number || '' from settlement where starts_with(encode(file_sha256, 'hex'), lower(@id))
union all
select 'file', number || '' from payline_file where starts_with(encode(sha256, 'hex'), lower(@id))
union all
select 'statement', number || '' from statement where starts_with(encode(sha256, 'hex'), lower(@id))
union all
select 'snapshot', sequence || '' from merchant_snapshot where starts_with(encode(sha256, 'hex'), lower(@id))
union all
select 'bulk', number || '' from bulk where starts_with(encode(file_sha256, 'hex'), lower(@id))
union all
select 'bulk', bulk || '' from bank_report where starts_with(encode(sha256, 'hex'), lower(@id))
