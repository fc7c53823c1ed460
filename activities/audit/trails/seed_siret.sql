select 'cp', account_id from merchant where siret = @id
union all
select 'siret', siret from merchant where siret = @id
union all
select 'siret', siret from debt where siret = @id
