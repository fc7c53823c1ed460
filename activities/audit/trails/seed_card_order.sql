select 'payment', number || '' from payment where order_id = @id and @id <> ''
union all
select 'form', number || '' from payment_form where order_id = @id
