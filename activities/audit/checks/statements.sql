-- Statements of an account follow each other without a gap, each opens with what
-- the one before closed with, and closes with its opening and its lines.
select s.account || ', statement ' || s.sequence as place,
       'opens with ' || s.opening_cents * 0.01 || ' on ' || s.date || ', ' || coalesce(l.lines, 0) || ' lines of ' || coalesce(l.amount, 0) * 0.01
           || ', closes with ' || s.closing_cents * 0.01 as found,
       case when s.before is null then ''
            else 'statement ' || s.before + 1 || ', opens with ' || s.closed * 0.01 || ', not before ' || s.dated || ', ' end
           || s.lines || ' lines, closes with ' || (s.opening_cents + coalesce(l.amount, 0)) * 0.01 as expected
from (select *, lag(sequence) over w as before, lag(closing_cents) over w as closed, lag(date) over w as dated
      from statement
      window w as (partition by account order by sequence)) as s
         left join (select l.statement, count(*) as lines, sum(l.amount_cents) as amount, bool_or(l.account <> s.account) as strange
                    from bank_line l left join statement s on s.number = l.statement
                    group by l.statement) as l on l.statement = s.number
where s.sequence <> s.before + 1
   or s.opening_cents <> s.closed
   or s.date < s.dated
   or coalesce(l.lines, 0) <> s.lines
   or s.opening_cents + coalesce(l.amount, 0) <> s.closing_cents
   or l.strange
order by s.account, s.sequence
