-- +goose Up

-- What the ERP is to be told, one row an attempt that a person began: the first
-- is planned, a later one corrects what the ERP, or our own rules, refused. A
-- row is sent at most once without a look-up or an operator's word in between.
create table erp_posting (
    number         bigint   generated always as identity primary key,
    kind           text     not null check (kind in ('PAYOUT', 'SETTLEMENT', 'PAYMENT', 'DEPOSIT')),
    -- A payout's external reference, a settlement's reference, a card payment's transaction, a deposit's name.
    reference      text     collate "C" not null check (reference <> ''),
    attempt        integer  not null check (attempt >= 1),
    dossier        text     not null,
    third_party    text     not null,
    -- 1 encashment, 2 disbursement.
    direction      smallint not null check (direction in (1, 2)),
    means          text     not null,
    amount_cents   bigint   not null check (amount_cents > 0),
    -- By what the ERP is searched for it.
    label          text     collate "C" not null unique,
    piece_prefix   text     not null default '',
    piece          text     not null default '',
    -- Of a deposit, the bank's code at the ERP.
    bank           text     not null default '',
    posting_date   date     not null,
    -- The run that moved the money; null for what no run of ours moved.
    vacation       integer  references vacation (number),
    planned_at     timestamptz not null,
    state          text     not null check (state in
                       ('PREPARED', 'SENT', 'ACCEPTED', 'ACCEPTED_WITHOUT_ID', 'REJECTED', 'INVALID', 'UNKNOWN')),
    -- How the last attempt came out, empty before there was one.
    class          text     not null default '',
    detail         text     not null default '',
    attempts       integer  not null default 0 check (attempts >= 0),
    -- Of the last request: when its intent was committed, and what it held.
    attempted_at   timestamptz,
    payload_sha256 bytea    check (length(payload_sha256) = 32),
    settled_at     timestamptz,
    transaction_id text     not null default '',
    -- Whether the ERP has said since then what it has of it.
    looked_up      boolean  not null default false,
    unique (kind, reference, attempt),
    check ((state = 'ACCEPTED') = (transaction_id <> '')),
    check (state in ('PREPARED', 'INVALID') or (attempted_at is not null and payload_sha256 is not null)),
    check ((state in ('ACCEPTED', 'REJECTED', 'INVALID')) = (settled_at is not null)),
    check (third_party <> '' or state = 'INVALID' or kind = 'DEPOSIT'),
    check (kind <> 'DEPOSIT' or bank <> '')
);

comment on column erp_posting.state is
    'SENT: the intent is committed and the outcome not kept; whoever finds it so, its attempt broke off';
comment on column erp_posting.detail is 'what an operator is to know of it, without names and accounts';

-- One settlement is told once: a correction begins when the attempt before it is over and was refused.
create unique index erp_posting_one on erp_posting (kind, reference)
    where state in ('PREPARED', 'SENT', 'ACCEPTED', 'ACCEPTED_WITHOUT_ID', 'UNKNOWN');

create index erp_posting_due on erp_posting (dossier, number) where state in ('PREPARED', 'SENT', 'UNKNOWN', 'ACCEPTED_WITHOUT_ID');
create index erp_posting_doubt on erp_posting (number) where state in ('ACCEPTED_WITHOUT_ID', 'REJECTED', 'INVALID', 'UNKNOWN');
create index erp_posting_vacation on erp_posting (vacation);

-- Each call about a posting, with what came back.
create table erp_attempt (
    posting      bigint      not null references erp_posting (number),
    call         integer     not null check (call >= 1),
    what         text        not null check (what in ('POST', 'FIND')),
    called_at    timestamptz not null,
    class        text        not null,
    -- How the reply could be read: 0 not at all, 1 as it should be, 2 repaired, 3 scanned.
    tier         smallint    not null check (tier between 0 and 3),
    error_code   text        not null,
    result_code  text        not null,
    reply        bytea       not null,
    reply_sha256 bytea       not null check (length(reply_sha256) = 32),
    detail       text        not null,
    primary key (posting, call)
);

comment on column erp_attempt.reply is 'the bytes as they came, cut at the limit of a reply, and without the token should it stand there';

-- How often calls came out how: kept beside the attempts, which are many.
create table erp_tally (
    what  text     not null,
    class text     not null,
    tier  smallint not null,
    calls bigint   not null check (calls >= 1),
    primary key (what, class, tier)
);

-- The bulks whose payouts are all planned: they are not looked at again.
create table erp_bulk (
    bulk       integer     primary key references bulk (number),
    planned_at timestamptz not null
);

-- What a deposit takes to the bank: postings that the ERP has in portfolio.
create table erp_deposit_item (
    deposit bigint  not null references erp_posting (number),
    ordinal integer not null check (ordinal >= 1),
    item    bigint  not null references erp_posting (number),
    primary key (deposit, ordinal),
    unique (deposit, item)
);

create index erp_deposit_item_item on erp_deposit_item (item);

-- +goose Down
drop table erp_deposit_item, erp_bulk, erp_tally, erp_attempt, erp_posting;
