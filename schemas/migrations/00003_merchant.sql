-- +goose Up

-- The merchants' daily snapshot, as it was last loaded.
create table merchant_snapshot (
    sequence  integer     primary key check (sequence >= 1),
    file_name text        not null,
    sha256    bytea       not null unique check (length(sha256) = 32),
    merchants integer     not null check (merchants >= 0),
    loaded_at timestamptz not null
);

-- A merchant's payment account (CP). A CP that a later snapshot leaves out is
-- CLOSED: its row and its ledger account stay.
create table merchant (
    account_id           text collate "C" primary key,
    account              integer not null unique references account (id),
    siret                text    not null,
    legal_name           text    not null,
    cp_iban              text    not null,
    cp_bic               text    not null,
    status               text    not null check (status in ('ACTIVE', 'BLOCKED', 'CLOSED')),
    payout_mode          text    not null check (payout_mode in ('AUTO', 'MANUAL', 'NONE')),
    payout_frequency     text    not null,
    external_iban        text    not null,
    external_bic         text    not null,
    external_name        text    not null,
    reserve_cents        bigint  not null check (reserve_cents >= 0),
    min_payout_cents     bigint  not null check (min_payout_cents >= 0),
    payout_ceiling_cents bigint  not null check (payout_ceiling_cents >= 0),
    cp_to_cp_allowed     boolean not null,
    agent                text    not null,
    erp_third_party      text    not null,
    valid_from           date    not null,
    snapshot             integer not null references merchant_snapshot (sequence)
);

create index merchant_siret on merchant (siret);

-- +goose Down
drop table merchant, merchant_snapshot;
