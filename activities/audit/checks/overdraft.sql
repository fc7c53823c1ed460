select code as place, (credit_cents - debit_cents) * 0.01 || '' as found, '0.00 or more' as expected
from account
where class = 'CP' and credit_cents < debit_cents
order by code
