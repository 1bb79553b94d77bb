-- +goose Up
-- What was claimed to be opened, by whom and for which call: written before a claim is granted.
CREATE TABLE pops (
  id       TEXT PRIMARY KEY,
  user     TEXT NOT NULL,
  call     TEXT NOT NULL,
  trigger  TEXT NOT NULL,
  far      BLOB NOT NULL, -- keyed hash of the other party's number
  system   TEXT NOT NULL,
  began    INTEGER NOT NULL, -- of the call, in milliseconds
  claimed  INTEGER NOT NULL, -- in milliseconds
  state    TEXT NOT NULL
) STRICT;
CREATE INDEX pops_by_call ON pops (user, call);
CREATE UNIQUE INDEX pops_once ON pops (user, call) WHERE trigger <> 'button';
CREATE INDEX pops_by_time ON pops (claimed);
CREATE TABLE user_settings (
  user   TEXT NOT NULL,
  name   TEXT NOT NULL,
  value  TEXT NOT NULL,
  PRIMARY KEY (user, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE connector_values (
  system  TEXT NOT NULL,
  name    TEXT NOT NULL,
  value   BLOB NOT NULL,
  PRIMARY KEY (system, name)
) STRICT, WITHOUT ROWID;
-- Random values the server makes once for itself.
CREATE TABLE server_secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
-- +goose Down
DROP TABLE server_secrets; DROP TABLE connector_values; DROP TABLE user_settings; DROP TABLE pops;
