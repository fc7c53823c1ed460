select 'siret', siret from debt where number || '' = @id
