-- +goose Up
CREATE TABLE entries (
  tenant     TEXT NOT NULL,
  system     TEXT NOT NULL,
  call       TEXT NOT NULL,
  device     TEXT NOT NULL,
  direction  TEXT NOT NULL,
  far        TEXT NOT NULL, -- JSON of the other party
  began      INTEGER NOT NULL, -- milliseconds
  ended      INTEGER NOT NULL, -- milliseconds; 0 while it runs
  talk       INTEGER NOT NULL, -- milliseconds
  result     TEXT NOT NULL,
  cause      TEXT NOT NULL,
  PRIMARY KEY (tenant, system, call, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_by_device ON entries (tenant, system, device, began);
CREATE INDEX entries_by_call ON entries (tenant, call);
CREATE INDEX entries_by_time ON entries (began);
-- Who the other party turned out to be: per user, since a user may have contacts of their own. The user '' is everybody.
CREATE TABLE contacts (
  tenant   TEXT NOT NULL,
  call     TEXT NOT NULL,
  user     TEXT NOT NULL,
  name     TEXT NOT NULL,
  company  TEXT NOT NULL,
  vip      INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (tenant, call, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE pops (
  tenant  TEXT NOT NULL,
  call    TEXT NOT NULL,
  user    TEXT NOT NULL,
  state   TEXT NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (tenant, call, user)
) STRICT, WITHOUT ROWID;
-- Missed calls that began up to this moment were seen.
CREATE TABLE seen (
  tenant  TEXT NOT NULL,
  user    TEXT NOT NULL,
  until   INTEGER NOT NULL,
  PRIMARY KEY (tenant, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE gaps (
  id       TEXT PRIMARY KEY,
  tenant   TEXT NOT NULL,
  system   TEXT NOT NULL,
  devices  TEXT NOT NULL, -- JSON array; empty: all
  began    INTEGER NOT NULL,
  ended    INTEGER NOT NULL -- 0 while it lasts
) STRICT, WITHOUT ROWID;
CREATE INDEX gaps_by_system ON gaps (tenant, system, began);
-- How far the event log was taken over.
CREATE TABLE marks (
  tenant  TEXT NOT NULL,
  system  TEXT NOT NULL,
  epoch   TEXT NOT NULL,
  seq     INTEGER NOT NULL,
  PRIMARY KEY (tenant, system)
) STRICT, WITHOUT ROWID;
-- +goose Down
DROP TABLE marks; DROP TABLE gaps; DROP TABLE seen; DROP TABLE pops; DROP TABLE contacts; DROP TABLE entries;
