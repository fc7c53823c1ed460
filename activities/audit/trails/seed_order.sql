select 'payout', number || '' from payout where ref_externe = @id
union all
select 'order', number || '' from transfer_order where ref_externe = @id
