-- +goose Up
CREATE TABLE systems (
  id      INTEGER PRIMARY KEY,
  tenant  TEXT NOT NULL,
  system  TEXT NOT NULL,
  alive   INTEGER NOT NULL DEFAULT 0, -- nanoseconds; up to here nothing was missed
  UNIQUE (tenant, system)
) STRICT;
-- One numbering of a system: a run of its owner.
CREATE TABLE streams (
  id      INTEGER PRIMARY KEY,
  system  INTEGER NOT NULL REFERENCES systems(id),
  epoch   TEXT NOT NULL,
  UNIQUE (system, epoch)
) STRICT;
-- id is the stream's id shifted left, plus the update's number: appends go to the end of one tree.
CREATE TABLE updates (
  id     INTEGER PRIMARY KEY,
  key    TEXT NOT NULL,    -- what the update is about; the last update of a key is its state
  gone   TEXT NOT NULL,    -- another key that this update took the place of
  until  INTEGER NOT NULL, -- milliseconds; how long the state is needed for a restart
  at     INTEGER NOT NULL, -- milliseconds
  data   BLOB NOT NULL
) STRICT;
-- +goose Down
DROP TABLE updates; DROP TABLE streams; DROP TABLE systems;
