select k.key, k.value
from merchant m
         cross join lateral (values ('cp', m.account_id), ('siret', m.siret)) as k (key, value)
where m.account_id = @id
