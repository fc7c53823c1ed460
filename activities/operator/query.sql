-- name: InsertAct :execrows
insert into operator_act (act, subject, answer_id, actor, reason, before, after, vacation, acted_at)
values (sqlc.arg(act), sqlc.arg(subject), sqlc.arg(answer_id), sqlc.arg(actor), sqlc.arg(reason), sqlc.arg(before),
        sqlc.arg(after), nullif(sqlc.arg(vacation)::int, 0), sqlc.arg(acted_at))
on conflict (answer_id) do nothing;

-- name: Act :one
select act, subject, actor from operator_act where answer_id = sqlc.arg(answer_id);
