-- +goose Up

-- OG-EP events that one transaction emitted, in the order of their sequence.
-- The first `rendered` of them are create-account-transaction events of the
-- entries 0…rendered-1 of `batch`: they are written when they are delivered, not
-- stored twice. The others are rows of `event`.
--
-- An event's uid is made of (environment, instant, sequence in the block, node):
-- one block an instant and node, of a million events at most, makes it unique.
create table event_block (
    vacation    integer     not null references vacation (number),
    first_seq   bigint      not null check (first_seq >= 1),
    last_seq    bigint      not null check (last_seq >= first_seq),
    rendered    integer     not null default 0 check (rendered >= 0),
    batch       bigint,
    environment "char"      not null check (environment in ('I', 'R', 'P')),
    node        smallint    not null check (node between 0 and 99),
    instant     timestamptz not null check (instant = date_trunc('milliseconds', instant)),
    primary key (vacation, first_seq),
    constraint event_uid_unique unique (environment, node, instant),
    check (last_seq - first_seq < 1000000),
    check (rendered <= last_seq - first_seq + 1),
    check (rendered = 0 or batch is not null)
);

create table event (
    vacation integer not null,
    seq      bigint  not null,
    type     text    not null,
    params   text    not null,
    primary key (vacation, seq)
);

-- How far each sink has been told of each correlation.
create table delivery (
    sink          text    not null,
    vacation      integer not null references vacation (number),
    delivered_seq bigint  not null check (delivered_seq >= 0),
    delivered_at  timestamptz not null,
    primary key (sink, vacation)
);

-- +goose Down
drop table delivery, event, event_block;
