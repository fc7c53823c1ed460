select 'payout', number || '' from payout where end_to_end_id = @id
union all
select 'request', file || ':' || line from payline_line where end_to_end_id = @id
