-- A hold is on a CP that there is, and is released after it began.
select 'hold of ' || h.account_id as place,
       case when m.account_id is null then 'no such payment account' else 'released ' || h.released_at || ', before it began' end as found,
       'a payment account, held from ' || h.since as expected
from payout_hold h
         left join merchant m on m.account_id = h.account_id
where m.account_id is null or h.released_at < h.since
order by h.account_id, h.since
