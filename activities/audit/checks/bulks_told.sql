-- Each order of a bulk of payouts was told once, by the create-transfer events that carry the bulk's id.
select 'bulk ' || b.name as place,
       coalesce(t.orders, 0) || ' orders in create-transfer events' as found,
       b.orders || ', one an order' as expected
from bulk b
         left join (select vacation, substring(params from '"bulkId":"([^"]+)"') as bulk_id,
                           sum((length(params) - length(replace(params, '"refExterne":', ''))) / length('"refExterne":')) as orders
                    from event
                    where type = 'create-transfer'
                    group by 1, 2) as t on t.vacation = b.vacation and t.bulk_id = b.bulk_id::text
where b.purpose = 'PAYOUT' and coalesce(t.orders, 0) <> b.orders
order by b.number
