-- By the whole key, or by the gateway's own identifier, which is its third part.
select k.key, k.value
from payment p cross join lateral (values ('payment', p.number || ''), ('form', p.form || '')) as k (key, value)
where (p.key = @id or p.key in (select site_id || ':' || mode || ':' || lower(@id) from (select distinct site_id, mode from payment_counter) as site))
  and k.value is not null
