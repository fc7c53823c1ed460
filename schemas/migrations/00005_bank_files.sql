-- +goose Up

-- The file in which a bulk was handed over: the same bytes whenever it is written again.
alter table bulk
    add column file_format text  not null default '',
    add column file_sha256 bytea check (length(file_sha256) = 32),
    add column file_bytes  bigint check (file_bytes > 0),
    -- Why the bank refused the whole bulk, a code of ISO 20022.
    add column reject_code text  not null default '';

-- One file may hold statements of several accounts. The bank's own number is kept beside ours: it begins anew with a
-- year at some banks, and CFONB statements have none.
alter table statement
    drop constraint statement_sha256_key,
    add column format text not null default 'ogep-statement/1',
    add column bank_number integer not null default 0 check (bank_number >= 0),
    add column ordinal integer not null default 0 check (ordinal >= 0),
    add constraint statement_in_file unique (sha256, ordinal);

update statement set bank_number = sequence;

comment on column statement.sequence is 'ours: consecutive for an account';
comment on column statement.bank_number is 'the bank''s, 0 where its format has none';
comment on column statement.ordinal is 'of the statement in its file, from 0';

-- What a statement tells of the orders that one of its lines is made of.
create table bank_line_detail (
    line          text    collate "C" not null references bank_line (id),
    ordinal       integer not null check (ordinal >= 1),
    end_to_end_id text    not null,
    amount_cents  bigint  not null check (amount_cents <> 0),
    code          text    not null default '',
    primary key (line, ordinal)
);

-- The bank's reports on our bulks. Its identifier of a report is one report's for ever.
create table bank_report (
    number     integer generated always as identity primary key,
    message_id text    not null unique,
    bulk       integer not null references bulk (number),
    format     text    not null,
    status     text    not null,
    reason     text    not null default '',
    -- Transactions that the report names, and those of them that no order of the bulk is.
    orders     integer not null check (orders >= 0),
    unknown    integer not null check (unknown between 0 and orders),
    file_name  text    not null,
    sha256     bytea   not null unique check (length(sha256) = 32),
    vacation   integer not null references vacation (number),
    read_at    timestamptz not null
);

create index bank_report_bulk on bank_report (bulk);

-- Payouts that a report says the bank does not execute. Their money goes back
-- with the bank line that proves it: the debit that leaves them out, or the lot.
create table payout_refusal (
    payout bigint  primary key references payout (number),
    bulk   integer not null references bulk (number),
    report integer not null references bank_report (number),
    code   text    not null
);

create index payout_refusal_bulk on payout_refusal (bulk);

-- +goose Down

drop table payout_refusal, bank_report, bank_line_detail;
alter table statement
    drop constraint statement_in_file, drop column format, drop column bank_number, drop column ordinal,
    add constraint statement_sha256_key unique (sha256);
alter table bulk drop column file_format, drop column file_sha256, drop column file_bytes, drop column reject_code;
