-- +goose Up

-- Who does it and when: one row a run of a vacation. A failed run is followed
-- by another of the same kind and key, with a correlation of its own.
create table vacation (
    number            integer generated always as identity primary key,
    kind              text        not null,
    key               text        not null,
    run               integer     not null check (run >= 1),
    correlation_id    uuid        not null unique,
    follows           uuid        references vacation (correlation_id),
    business_date     date        not null,
    parameters_sha256 bytea       not null check (length(parameters_sha256) = 32),
    workflow_run      text        not null unique,
    state             text        not null check (state in ('RUNNING', 'ENDED', 'ENDED_WITH_ERROR')),
    started_at        timestamptz not null,
    ended_at          timestamptz,
    failure_code      text,
    failure_step      text,
    failure_message   text,
    last_seq          bigint      not null default 0 check (last_seq >= 0),
    unique (kind, key, run),
    check ((state = 'RUNNING') = (ended_at is null)),
    check ((state = 'ENDED_WITH_ERROR') = (failure_code is not null))
);

comment on column vacation.last_seq is
    'sequence of the correlation''s last event; its row lock makes the sequence gapless';

-- Two runs of one session can never be alive, or have ended well, together.
create unique index vacation_one_alive on vacation (kind, key) where state <> 'ENDED_WITH_ERROR';

-- Accounts. Both sides only ever grow, so that a balance can be proved from
-- the entries and a lost update would show.
create table account (
    id           integer generated always as identity primary key,
    code         text collate "C" not null unique,
    class        text   not null check (class in
                     ('BK', 'CP', 'TR.SET', 'TR.PARK', 'TR.OUT', 'TR.REJ', 'TR.INT', 'FEE', 'DEBT', 'PL', 'EQ')),
    debit_cents  bigint not null default 0 check (debit_cents >= 0),
    credit_cents bigint not null default 0 check (credit_cents >= 0),
    constraint account_code_in_class check (code = class or starts_with(code, class || '.')),
    constraint cp_never_below_zero check (class <> 'CP' or credit_cents >= debit_cents)
) with (fillfactor = 70);

insert into account (code, class)
values ('BK.REG', 'BK'), ('BK.CAN', 'BK'), ('BK.FON', 'BK'), ('TR.PARK', 'TR.PARK'),
       ('FEE.DUE', 'FEE'), ('PL.COM', 'PL'), ('PL.NET', 'PL'), ('PL.LOSS', 'PL'), ('EQ.OPEN', 'EQ');

-- A journal entry's head: what was committed together, under a key that makes
-- doing it again a no-op. scope is the session (kind/key), not one run of it.
create table batch (
    id           bigint generated always as identity primary key,
    vacation     integer     references vacation (number),
    scope        text        not null,
    step         text        not null,
    item         integer     not null check (item >= 0),
    input_sha256 bytea       not null check (length(input_sha256) = 32),
    posted_at    timestamptz not null,
    unique (scope, step, item)
);

create index batch_vacation on batch (vacation);

-- The journal, one row a movement. A row has both its sides, so it cannot fail
-- to balance. No foreign key is checked row by row: the accounts come from the
-- account table in the same transaction, and `starter verify` proves it.
create table entry (
    batch          bigint      not null,
    amount_cents   bigint      not null check (amount_cents > 0),
    transaction_at timestamptz not null,
    ordinal        integer     not null check (ordinal >= 0),
    debit          integer     not null,
    credit         integer     not null check (credit <> debit),
    line           integer,
    value_date     date        not null,
    kind           text collate "C" not null,
    label          text        not null,
    primary key (batch, ordinal)
);

-- A settlement: a bank line on the règlement account and the file that
-- explains it. The columns of the file are empty until its controls passed.
create table settlement (
    number           integer generated always as identity primary key,
    reference        text   not null unique,
    scope            text   not null unique,
    kind             text   not null check (kind in ('TRANSACTION', 'IMPAYE')),
    operation_type   text   not null,
    amount_cents     bigint not null check (amount_cents <> 0),
    bank_line        text   not null,
    bank_line_sha256 bytea  not null check (length(bank_line_sha256) = 32),
    value_date       date   not null,
    file_name        text,
    file_sha256      bytea unique check (length(file_sha256) = 32),
    file_bytes       bigint,
    line_count       integer,
    gross_cents      bigint,
    commission_cents bigint,
    snapshot         integer,
    chunk_lines      integer check (chunk_lines > 0),
    batch_lines      integer check (batch_lines > 0),
    posted_lines     integer not null default 0,
    shortfall_cents  bigint  not null default 0 check (shortfall_cents >= 0),
    short_cps        integer not null default 0 check (short_cps >= 0),
    taken_cents      bigint  not null default 0 check (taken_cents >= 0),
    settled_at       timestamptz,
    check ((file_sha256 is null) = (line_count is null)),
    check (posted_lines = 0 or posted_lines <= line_count)
);

comment on column settlement.scope is 'the session that settles it, <kind>/<key>: the scope of its batches';
comment on column settlement.shortfall_cents is 'covers credited to CPs so far, to be met by own money';
comment on column settlement.taken_cents is 'commissions debited from CPs so far, to be moved to fonctionnement';

comment on column settlement.chunk_lines is
    'sales a transaction, with batch_lines: kept, so that a release that cuts otherwise goes on with the cut that was begun';

-- How the file's lines are split by merchant. Part 0 holds the lines to be
-- parked; the hashes prove that a part read back from disk is what was written.
create table settlement_part (
    settlement       integer not null references settlement (number),
    part             integer not null check (part >= 0),
    sales            integer not null check (sales >= 0),
    sales_cents      bigint  not null,
    others           integer not null check (others >= 0),
    others_cents     bigint  not null,
    commission_cents bigint  not null check (commission_cents >= 0),
    sales_sha256     bytea   not null check (length(sales_sha256) = 32),
    others_sha256    bytea   not null check (length(others_sha256) = 32),
    primary key (settlement, part)
);

-- Each creId that was ever accepted, with the line that carried it: its primary
-- key is the rule that a card line is settled once, for ever, across files.
create table cre_line (
    cre_id     text collate "C" primary key,
    settlement integer not null,
    line       integer not null,
    part       integer not null
);

-- Lines whose CP is unknown, closed or another merchant's: their money stands on TR.PARK.
create table parked_line (
    settlement       integer not null,
    line             integer not null,
    cre_id           text    not null,
    account_id       text    not null,
    siret            text    not null,
    scheme           text    not null,
    type             text    not null,
    gross_cents      bigint  not null,
    commission_cents bigint  not null,
    label            text    not null,
    reason           text    not null check (reason in ('UNKNOWN_CP', 'CLOSED_CP', 'OTHER_SIRET')),
    parked_at        timestamptz not null,
    primary key (settlement, line)
);

-- Créances, keyed by SIRET and creation. A merchant has one open debt at most.
create table debt (
    siret           text        not null,
    created_at      timestamptz not null,
    initial_cents   bigint      not null check (initial_cents > 0),
    remaining_cents bigint      not null check (remaining_cents >= 0),
    modified_at     timestamptz,
    primary key (siret, created_at),
    check (remaining_cents <= initial_cents)
);

create unique index debt_one_open on debt (siret) where remaining_cents > 0;

-- Transfers ordered. PREPARED until a bank file carries it.
create table transfer_order (
    number        integer generated always as identity primary key,
    batch         bigint  not null unique references batch (id),
    ref_externe   text    not null unique,
    bulk_id       uuid    not null,
    purpose       text    not null check (purpose in ('COVER', 'REVENUE')),
    state         text    not null check (state in ('PREPARED')),
    debtor        integer not null references account (id),
    creditor      integer not null references account (id),
    amount_cents  bigint  not null check (amount_cents > 0),
    due_date      date    not null,
    info          text    not null,
    created_at    timestamptz not null
);

-- +goose Down
drop table transfer_order, debt, parked_line, cre_line, settlement_part, settlement, entry, batch, account, vacation;
