-- +goose Up

-- What partners' transfer products told us of their transfers, each once. A notice is a hint: it says what to ask for.
create table webhook_notice (
    -- SHA-256 of the bytes that were signed, in hexadecimal digits.
    key         text collate "C" primary key check (length(key) = 64),
    server      text   not null,
    event       text   not null,
    transfer    text   not null,
    direction   text   not null,
    filename    text   not null,
    bytes       bigint not null check (bytes >= 0),
    at          timestamptz not null,
    received_at timestamptz not null,
    handled_at  timestamptz
);

create index webhook_notice_open on webhook_notice (received_at) where handled_at is null;

comment on column webhook_notice.at is 'the clock of the partner''s product';

-- Files that came from partners, each content once.
create table received_file (
    number         integer generated always as identity primary key,
    sha256         bytea   not null unique check (length(sha256) = 32),
    partner        text    not null,
    -- The partner's name of it, and its identifier of the transfer, empty where it has none.
    name           text    not null,
    transfer       text    not null,
    bytes          bigint  not null check (bytes >= 0),
    -- What the partner said of its length, below zero where it said nothing.
    bytes_said     bigint  not null,
    -- STORED: safe, and to be put where its readers find it. ROUTED: it was put there. HELD: it waits for an operator, who
    -- says what it is, or has it DISCARDED.
    state          text    not null check (state in ('STORED', 'ROUTED', 'HELD', 'DISCARDED')),
    kind           text    not null default '' check (kind in
                       ('', 'STATEMENT', 'REPORT', 'NOTIFICATION', 'CRE', 'MERCHANTS', 'PAYLINE')),
    -- Its format, or the beginning of one, as far as its content tells.
    format         text    not null default '',
    -- Why it is HELD.
    detail         text    not null default '',
    -- Its name in the inbox: decided on before it is put there.
    inbox_name     text    not null default '',
    -- What operators said that it is, and how it is to be called; and how many decisions they took.
    said_kind      text    not null default '',
    said_name      text    not null default '',
    decisions      integer not null default 0 check (decisions >= 0),
    times_received integer not null default 1 check (times_received >= 1),
    first_at       timestamptz not null,
    last_at        timestamptz not null,
    routed_at      timestamptz,
    check (state <> 'HELD' or detail <> ''),
    check ((state = 'ROUTED') = (routed_at is not null)),
    check (state <> 'ROUTED' or (kind <> '' and inbox_name <> ''))
);

create index received_file_open on received_file (number) where state in ('STORED', 'HELD');
create index received_file_in_inbox on received_file (inbox_name) where inbox_name <> '';

-- Offers of partners of which we have the content: where a partner leaves its files in place, they are not fetched again.
create table received_offer (
    partner     text   not null,
    name        text   not null,
    transfer    text   not null,
    bytes       bigint not null,
    modified_at timestamptz not null,
    file        integer not null references received_file (number),
    primary key (partner, name, transfer, bytes, modified_at)
);

-- +goose Down

drop table received_offer, received_file, webhook_notice;
