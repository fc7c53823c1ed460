-- +goose Up

-- Events of some hundred orders are compressed: lz4 takes less of the processor
-- for it than PostgreSQL's own way.
alter table event alter column params set compression lz4;

-- A run's result, kept with its end: what the session returns when it is started again.
alter table vacation add column totals jsonb;

-- Créances and financière never run together: a payout must not leave ahead of a recovery.
create unique index vacation_one_of_cash on vacation ((true))
    where state = 'RUNNING' and kind in ('vacation-creances', 'vacation-financiere');

-- A settlement is any bank line on the règlement account that a règlement explains.
alter table settlement drop constraint settlement_kind_check;
alter table settlement add constraint settlement_kind_check
    check (kind in ('TRANSACTION', 'IMPAYE', 'REMITTANCE', 'REJECTS'));
-- The bank's own identifier of the line: the same line read from a statement is not booked again.
alter table settlement add column bank_line_id text not null default '';

-- The session that last looked at a debt, so that each looks at it once.
alter table debt
    add column number integer not null generated always as identity unique,
    add column looked_at_by text not null default '';

-- Unpaids of a CP that is unknown or closed become the merchant's debt as a whole.
alter table parked_line drop constraint parked_line_reason_check;
alter table parked_line add constraint parked_line_reason_check
    check (reason in ('UNKNOWN_CP', 'CLOSED_CP', 'OTHER_SIRET', 'TO_DEBT'));
-- The CP that an operator assigned the line to, and the batch that posted it there.
alter table parked_line
    add column assigned_to text,
    add column assigned_batch bigint references batch (id),
    add constraint parked_line_assigned check ((assigned_to is null) = (assigned_batch is null));

-- Orders of a kind that go to the bank together, in one file. The bank debits a
-- bulk of payouts in one line, whose label carries the bulk's name.
create table bulk (
    number       integer generated always as identity primary key,
    bulk_id      uuid    not null unique,
    name         text    not null unique,
    purpose      text    not null check (purpose in ('PAYOUT', 'COVER', 'REVENUE', 'RECOVERY', 'CANTONNEMENT', 'DECANTONNEMENT')),
    state        text    not null check (state in ('PREPARED', 'SENT', 'EXECUTED', 'REJECTED', 'UNKNOWN')),
    vacation     integer not null references vacation (number),
    orders       integer not null check (orders >= 1),
    amount_cents bigint  not null check (amount_cents > 0),
    due_date     date    not null,
    created_at   timestamptz not null,
    -- Set before the bulk is handed over: from then on it may have left.
    attempted_at timestamptz,
    settled_at   timestamptz,
    detail       text    not null default '',
    check (state = 'PREPARED' or attempted_at is not null)
);

comment on column bulk.detail is 'what the channel said last, without names and accounts';

create index bulk_pending on bulk (number) where state in ('PREPARED', 'UNKNOWN');

-- How many bulks of a series a day has had: the number in a bulk's name.
create table bulk_series (
    prefix text    not null,
    day    date    not null,
    last   integer not null check (last >= 1),
    primary key (prefix, day)
);

-- Transfers between the EP's own accounts, now of every purpose, each in a bulk of its own.
alter table transfer_order drop constraint transfer_order_purpose_check;
alter table transfer_order add constraint transfer_order_purpose_check
    check (purpose in ('COVER', 'REVENUE', 'RECOVERY', 'CANTONNEMENT', 'DECANTONNEMENT'));
alter table transfer_order drop constraint transfer_order_state_check;
alter table transfer_order add constraint transfer_order_state_check
    check (state in ('PREPARED', 'SENT', 'EXECUTED', 'REJECTED', 'UNKNOWN'));
alter table transfer_order
    add column bulk integer unique references bulk (number),
    -- The bank lines that debited one account and credited the other.
    add column debit_line text unique,
    add column credit_line text unique;

-- A Payline file that was received, whole or refused.
create table payline_file (
    number      integer generated always as identity primary key,
    scope       text    not null,
    -- 0, and no date, when the header of a file that was refused could not be read.
    sequence    integer not null check (sequence >= 0),
    file_name   text    not null,
    file_date   date,
    sha256      bytea   not null check (length(sha256) = 32),
    movements   integer not null check (movements >= 0),
    transfers   integer not null check (transfers >= 0),
    sum_cents   bigint  not null check (sum_cents >= 0),
    -- Empty for a file that was accepted, else why all of it was refused.
    refused     text    not null default '',
    received_at timestamptz not null,
    answered_at timestamptz,
    unique (scope, sha256),
    check (refused <> '' or (sequence >= 1 and file_date is not null))
);

-- A sequence number, and a content, belong to one accepted file.
create unique index payline_file_sequence on payline_file (sequence) where refused = '';
create unique index payline_file_content on payline_file (sha256) where refused = '';
create unique index payline_file_of_session on payline_file (scope) where refused = '';

-- The requests of accepted files. outcome is null until one is decided.
create table payline_line (
    file           integer not null references payline_file (number),
    line           integer not null,
    kind           text    not null check (kind in ('MOVEMENT', 'TRANSFER')),
    end_to_end_id  text    not null,
    -- Whether an earlier line carried the same endToEndId.
    seen           boolean not null default false,
    operation_code text    not null,
    debtor_cp      text    not null,
    creditor_cp    text    not null,
    debtor_iban    text    not null,
    creditor_name  text    not null,
    creditor_bic   text    not null,
    creditor_iban  text    not null,
    amount_cents   bigint  not null,
    currency       text    not null,
    label          text    not null,
    exec_date      date,
    -- What the controls of the line itself found, empty when they passed.
    control_code   text    not null,
    outcome        text    check (outcome in ('ACCP', 'RJCT')),
    reject_code    text    not null default '',
    decided_at     timestamptz,
    primary key (file, line),
    check ((outcome = 'RJCT') = (reject_code <> '') or outcome is null)
);

create index payline_line_open on payline_line (file, kind, line) where outcome is null;

-- Every endToEndId ever asked for: its primary key is the rule that none is taken twice.
create table payline_id (
    end_to_end_id text collate "C" primary key,
    file          integer not null references payline_file (number),
    line          integer not null
);

-- Payouts, from the request to the bank's answer. REQUESTED and WAITING have
-- touched no account; PREPARED and later have left the CP for TR.OUT.<ref_externe>.
--
-- A session writes each row five times. No index knows the state, and half of
-- each page is left free, so that a change of it stays in its page and touches no
-- index. No foreign key is checked row by row: the account is the merchant's, the
-- batch and the bulk are made in the transaction that names them, and
-- `starter verify` proves all three.
create table payout (
    number        bigint generated always as identity primary key,
    scope         text    not null,
    source        text    not null check (source in ('PAYLINE', 'AUTO')),
    payline_file  integer,
    payline_line  integer,
    ref_externe   text    collate "C" not null unique,
    end_to_end_id text    collate "C" not null,
    account_id    text    collate "C" not null,
    account       integer not null,
    debtor_name   text    not null,
    debtor_bic    text    not null,
    debtor_iban   text    not null,
    creditor_name text    not null,
    creditor_bic  text    not null,
    creditor_iban text    not null,
    amount_cents  bigint  not null check (amount_cents > 0),
    -- The merchant's own ceiling for one order, which a manual request may exceed only with an approval.
    ceiling_cents bigint  not null check (ceiling_cents >= 0),
    due_date      date    not null,
    info          text    not null,
    requested_at  timestamptz not null,
    state         text    not null check (state in
                      ('REQUESTED', 'WAITING', 'VALIDATED', 'REFUSED', 'PREPARED', 'SENT', 'EXECUTED', 'REJECTED', 'UNKNOWN')),
    -- Why it was refused, waits, or was rejected by the bank.
    reason        text    not null default '',
    validator     text    not null default '',
    batch         bigint,
    bulk          integer,
    debit_line    text,
    reject_line   text,
    settled_at    timestamptz,
    foreign key (payline_file, payline_line) references payline_line (file, line),
    check ((source = 'PAYLINE') = (payline_file is not null)),
    check (state not in ('REFUSED', 'WAITING', 'REJECTED') or reason <> ''),
    check ((state in ('PREPARED', 'SENT', 'EXECUTED', 'REJECTED', 'UNKNOWN')) = (batch is not null))
) with (fillfactor = 50);

create unique index payout_end_to_end on payout (end_to_end_id);
create unique index payout_payline on payout (payline_file, payline_line) where payline_file is not null;
create index payout_scope on payout (scope, source, number);
create index payout_cp on payout (scope, account_id, number);
-- What is in no bulk: posted orders stay here until one takes them, refused ones for ever.
create index payout_unremitted on payout (scope, due_date, number) where bulk is null;
create index payout_bulk on payout (bulk, number) where bulk is not null;
create index payout_account on payout (account_id, number);

-- CPs whose payouts are held until an operator releases them.
create table payout_hold (
    account_id  text collate "C" not null,
    since       timestamptz not null,
    reason      text not null,
    released_at timestamptz,
    primary key (account_id, since)
);

create unique index payout_hold_one on payout_hold (account_id) where released_at is null;

-- How far a session has come through a list in its order.
create table sweep (
    scope    text not null,
    step     text not null,
    position text collate "C" not null,
    done     boolean not null default false,
    count    bigint not null default 0,
    cents    bigint not null default 0,
    primary key (scope, step)
);

-- Statements of the three accounts, in the bank's own sequence.
create table statement (
    number        integer generated always as identity primary key,
    account       text    not null check (account in ('BK.REG', 'BK.CAN', 'BK.FON')),
    sequence      integer not null check (sequence >= 1),
    date          date    not null,
    opening_cents bigint  not null,
    closing_cents bigint  not null,
    lines         integer not null check (lines >= 0),
    file_name     text    not null,
    sha256        bytea   not null unique check (length(sha256) = 32),
    vacation      integer not null references vacation (number),
    read_at       timestamptz not null,
    unique (account, sequence)
);

-- Lines of statements. A line is booked when its movement stands on the BK account.
create table bank_line (
    id             text    collate "C" primary key,
    statement      integer not null references statement (number),
    ordinal        integer not null,
    account        text    not null,
    label          text    not null,
    amount_cents   bigint  not null check (amount_cents <> 0),
    booked_at      timestamptz not null,
    transaction_at timestamptz not null,
    value_at       timestamptz not null,
    class          text    not null check (class in
                       ('SETTLEMENT_TRANSACTION', 'SETTLEMENT_UNPAID', 'REMITTANCE', 'REJECTS', 'OWN', 'OWN_FUNDS', 'UNKNOWN')),
    reference      text    not null,
    operation_type text    not null,
    -- Why an UNKNOWN line is none of the others, for an operator to read.
    reason         text    not null default '',
    -- The session that takes it up, and the batch that booked it.
    scope          text    not null default '',
    batch          bigint  references batch (id),
    unique (statement, ordinal)
);

create index bank_line_open on bank_line (account, statement, ordinal) where batch is null;
create index bank_line_reference on bank_line (reference);

-- A lot's rejects, as the bank details them.
create table bank_reject (
    settlement    integer not null references settlement (number),
    line          integer not null,
    end_to_end_id text    not null,
    amount_cents  bigint  not null check (amount_cents > 0),
    code          text    not null,
    payout        bigint  references payout (number),
    primary key (settlement, line)
);

-- A payout comes back once.
create unique index bank_reject_payout on bank_reject (payout);

-- What safeguarded money stood where at the close of a day, in cents.
create table safeguarding (
    date                   date    primary key,
    vacation               integer not null references vacation (number),
    payment_accounts_cents bigint  not null,
    parked_cents           bigint  not null,
    payouts_cents          bigint  not null,
    rejects_cents          bigint  not null,
    reglement_cents        bigint  not null,
    cantonnement_cents     bigint  not null,
    transit_cents          bigint  not null,
    to_clear_cents         bigint  not null,
    covers_cents           bigint  not null,
    left_today_cents       bigint  not null,
    cantonnement_due_cents bigint  not null,
    to_cantonnement_cents  bigint  not null,
    stated_at              timestamptz not null
);

-- Days and other triggers, one permanent row each, with what they were started with.
create table day (
    date              date    not null,
    run               text    not null,
    parameters_sha256 bytea   not null check (length(parameters_sha256) = 32),
    workflow_run      text    not null,
    started_at        timestamptz not null,
    ended_at          timestamptz,
    outcome           text    not null default '',
    primary key (date, run)
);

-- The operators' journal: who answered what, when, why, and what it changed.
create table operator_act (
    number      bigint generated always as identity primary key,
    act         text not null,
    subject     text not null,
    -- The Temporal run and update that carried the answer, so that one answered twice stands here once.
    answer_id   text not null unique,
    actor       text not null check (actor <> ''),
    reason      text not null,
    before      text not null,
    after       text not null,
    vacation    integer references vacation (number),
    acted_at    timestamptz not null
);

-- +goose Down
drop table operator_act, day, safeguarding, bank_reject, bank_line, statement, sweep, payout_hold, payout, payline_id, payline_line, payline_file;
alter table transfer_order drop column bulk, drop column debit_line, drop column credit_line;
drop table bulk_series, bulk;
alter table event alter column params set compression default;
alter table parked_line drop column assigned_to, drop column assigned_batch;
alter table debt drop column looked_at_by, drop column number;
alter table settlement drop column bank_line_id;
drop index vacation_one_of_cash;
alter table vacation drop column totals;
