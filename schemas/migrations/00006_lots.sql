-- +goose Up

-- One file may detail several lots of rejects, and a statement those that it
-- holds. Any other file is one settlement's.
alter table settlement drop constraint settlement_file_sha256_key;
create unique index settlement_file_sha256_key on settlement (file_sha256) where kind <> 'REJECTS';

-- +goose Down

drop index settlement_file_sha256_key;
alter table settlement add constraint settlement_file_sha256_key unique (file_sha256);
