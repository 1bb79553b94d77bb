-- +goose Up
CREATE TABLE users (
  id       TEXT PRIMARY KEY,
  name     TEXT NOT NULL,
  role     TEXT NOT NULL DEFAULT 'agent',
  created  INTEGER NOT NULL
) STRICT;
CREATE TABLE grants (
  user    TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  system  TEXT NOT NULL,
  device  TEXT NOT NULL,
  access  TEXT NOT NULL,
  place   INTEGER NOT NULL,
  PRIMARY KEY (user, system, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE invitations (
  hash     BLOB PRIMARY KEY,
  user     TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  created  INTEGER NOT NULL,
  expires  INTEGER NOT NULL,
  used     INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE tokens (
  id       TEXT PRIMARY KEY,
  hash     BLOB NOT NULL UNIQUE,
  user     TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  device   TEXT NOT NULL,
  created  INTEGER NOT NULL,
  used     INTEGER NOT NULL
) STRICT;
CREATE INDEX tokens_of_user ON tokens (user);
-- One row: counts changes of the tables above, so that a running server reloads them and nothing else.
CREATE TABLE accounts_revision (revision INTEGER NOT NULL) STRICT;
INSERT INTO accounts_revision VALUES (1);
-- +goose Down
DROP TABLE accounts_revision; DROP TABLE tokens; DROP TABLE invitations; DROP TABLE grants; DROP TABLE users;
