-- An entry moves a positive amount between two accounts.
select 'batch ' || batch || ', entry ' || ordinal as place,
       'account ' || debit || ' to account ' || credit || ', ' || amount_cents * 0.01 as found,
       'a positive amount between two accounts' as expected
from entry
where debit = credit or amount_cents <= 0
order by batch, ordinal
