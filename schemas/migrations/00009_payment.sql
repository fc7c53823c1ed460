-- +goose Up

-- How many forms a shop has shown on a day: the number of a transaction.
create table payment_counter (
    site_id text not null,
    mode    text not null check (mode in ('TEST', 'PRODUCTION')),
    utc_day date not null,
    last    integer not null check (last between 0 and 899999),
    primary key (site_id, mode, utc_day)
);

-- Forms, kept before they are shown: what a notification is held against.
create table payment_form (
    number       bigint  generated always as identity primary key,
    shop         text    not null,
    site_id      text    not null,
    mode         text    not null check (mode in ('TEST', 'PRODUCTION')),
    utc_day      date    not null,
    trans_id     text    collate "C" not null,
    order_id     text    collate "C" not null,
    -- Of the currency's smallest unit.
    amount_units bigint  not null check (amount_units > 0),
    currency     text    not null,
    plan         text    not null,
    -- The shop's own number of the customer; no name.
    customer     text    not null default '',
    -- The invoice that the payment settles at the ERP, and whose it is; empty where it is not known.
    invoice_prefix text  not null default '',
    invoice_piece  text  not null default '',
    third_party    text  not null default '',
    shown_at     timestamptz not null,
    unique (site_id, mode, utc_day, trans_id)
);

create index payment_form_order on payment_form (order_id);
create index payment_form_shown on payment_form (shown_at);

-- What became of each attempt to pay: one row a transaction of the gateway.
create table payment (
    number         bigint generated always as identity primary key,
    key            text   collate "C" not null unique,
    shop           text   not null,
    site_id        text   not null,
    mode           text   not null,
    order_id       text   collate "C" not null,
    form           bigint references payment_form (number),
    -- UNKNOWN is one that nobody knows: somebody is to look.
    operation      text   not null check (operation in ('DEBIT', 'CREDIT', 'VERIFICATION', 'UNKNOWN')),
    sequence       integer not null,
    customer       text   not null,
    -- How far it is, what the gateway calls that, and what it is worth. The state only goes forward; CONTRADICTORY is its
    -- end when the gateway said what cannot all be true. PAID is the class of what is booked, once there is no doubt.
    state          text   not null default '',
    status         text   not null,
    class          text   not null,
    -- What is booked of it, below zero for what is given back: of the currency's smallest unit.
    amount_units   bigint not null,
    currency       text   not null,
    authorisation  text   not null default '',
    contract       text   not null default '',
    -- The gateway's own time of the payment.
    paid_at        timestamptz,
    first_at       timestamptz not null,
    changed_at     timestamptz not null,
    -- The form asked for something else, or what came contradicts itself: an operator looks.
    doubt          text   not null default '',
    -- It is money in euros that a card line brings, or takes back.
    settles        boolean not null generated always as
                       (class = 'PAID' and state in ('AUTHORISED', 'CAPTURED') and currency = '978' and operation in ('DEBIT', 'CREDIT')) stored,
    -- Whether payment_match has it: what has no match is looked for often, among all that ever came.
    matched        boolean not null default false,
    -- When it was decided what the ERP is told of it, and that amount; null before, and for nothing.
    erp_at         timestamptz,
    erp_units      bigint
);

create index payment_order on payment (order_id);
create index payment_form_of on payment (form);
create index payment_unmatched on payment (number) where settles and not matched;
create index payment_unmatched_amount on payment (shop, amount_units, paid_at) where settles and not matched;
create index payment_unmatched_order on payment (order_id) where settles and not matched;
create index payment_unmatched_authorisation on payment (lower(authorisation)) where settles and not matched and authorisation <> '';
create index payment_lost on payment (number) where matched and not settles and doubt = '';
create index payment_told_otherwise on payment (number) where doubt = '' and erp_units <> case when settles then amount_units else 0 end;
create index payment_untold on payment (number) where settles and erp_at is null and doubt = '' and form is not null;

-- Messages that came as notifications. Of one that is the gateway's, the fields: the values of those that are no buyer's own, with
-- cards' numbers masked, and of the others the names. Of one that is not believed, nothing that it says.
create table payment_notification (
    number      bigint  generated always as identity primary key,
    shop        text    not null,
    peer        inet    not null,
    received_at timestamptz not null,
    outcome     text    not null,
    level       text    not null,
    reason      text    not null default '',
    sha256      bytea   not null check (length(sha256) = 32),
    -- Only of what is the gateway's.
    event_key   text    collate "C" unique,
    payment     bigint  references payment (number),
    order_id    text    collate "C" not null default '',
    customer    text    not null default '',
    status      text    not null default '',
    fields      jsonb,
    -- How often the same event came again, and when last.
    repeats     integer not null default 0 check (repeats >= 0),
    repeated_at timestamptz,
    -- Set when the workflow has acted on it; null until then for what has an effect.
    handled_at  timestamptz,
    check ((payment is null) = (event_key is null))
);

create index payment_notification_open on payment_notification (number) where handled_at is null and outcome = 'ACCEPTED';
create index payment_notification_payment on payment_notification (payment, number);
-- Lists are read newest first, from any place on: one index for each thing by which they are narrowed down.
create index payment_notification_newest on payment_notification (received_at, number);
create index payment_notification_shop on payment_notification (shop, received_at, number);
create index payment_notification_outcome on payment_notification (outcome, received_at, number);
create index payment_notification_status on payment_notification (status, received_at, number) where status <> '';
create index payment_notification_customer on payment_notification (customer, received_at, number) where customer <> '';
create index payment_notification_order on payment_notification (order_id, received_at, number) where order_id <> '';

-- Card lines of CRE files under contracts of the gateway's shops: what payments are matched with. There may be as many as
-- lines in a file: the settlement is not checked line by line.
create table payment_line (
    settlement     integer not null,
    line           integer not null,
    cre_id         text    collate "C" not null,
    contract       text    collate "C" not null,
    amount_cents   bigint  not null check (amount_cents <> 0),
    transaction_at timestamptz not null,
    acquirer_ref   text    collate "C" not null,
    label          text    not null,
    -- The words of the label that may be references of orders, between blanks.
    orders         text    collate "C" not null default '',
    loaded_at      timestamptz not null default now(),
    -- Whether payment_match has it.
    matched        boolean not null default false,
    primary key (settlement, line)
);

create index payment_line_unmatched on payment_line (contract, amount_cents, transaction_at) where not matched;
create index payment_line_reference on payment_line (lower(acquirer_ref)) where not matched and acquirer_ref <> '';
-- Not put off (fastupdate): each search would read all that is still to be indexed, and a file's lines are searched soon.
create index payment_line_orders on payment_line using gin (string_to_array(orders, ' ')) with (fastupdate = off)
    where not matched and orders <> '';

-- Which line settles which payment, found by rules or said by an operator.
create table payment_match (
    payment    bigint  primary key references payment (number),
    settlement integer not null,
    line       integer not null,
    rule       text    not null,
    actor      text    not null default '',
    matched_at timestamptz not null,
    foreign key (settlement, line) references payment_line (settlement, line),
    unique (settlement, line)
);

-- Pairs that an operator took apart: no rule puts them together again.
create table payment_apart (
    payment    bigint  not null references payment (number),
    settlement integer not null,
    line       integer not null,
    primary key (payment, settlement, line)
);

-- +goose Down

drop table payment_apart, payment_match, payment_line, payment_notification, payment, payment_form, payment_counter;
