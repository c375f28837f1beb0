-- +goose Up
-- Times are milliseconds since 1970, UTC.
CREATE TABLE catalog_images (
    id           TEXT    NOT NULL PRIMARY KEY,
    owner        TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    object_key   TEXT    NOT NULL,
    content_type TEXT    NOT NULL,
    size         INTEGER NOT NULL,
    width        INTEGER NOT NULL,
    height       INTEGER NOT NULL,
    sha256       TEXT    NOT NULL,
    content_key  TEXT,             -- sha256, or NULL while it may be added again
    taken_ms     INTEGER NOT NULL,
    taken_offset INTEGER,          -- minutes
    month        TEXT    NOT NULL, -- 2006-01, in the capture's offset
    created_ms   INTEGER NOT NULL,
    trashed      INTEGER NOT NULL,
    trashed_ms   INTEGER,
    state        TEXT    NOT NULL,
    fail_code    TEXT    NOT NULL,
    fail_detail  TEXT    NOT NULL,
    placeholder  TEXT    NOT NULL,
    animated     INTEGER NOT NULL,
    details      TEXT    NOT NULL  -- JSON: camera, place, renditions
) STRICT;
CREATE UNIQUE INDEX catalog_images_content ON catalog_images (owner, content_key);
CREATE INDEX catalog_images_timeline ON catalog_images (owner, trashed, taken_ms, id);
CREATE INDEX catalog_images_month ON catalog_images (owner, trashed, month, taken_ms, id);
CREATE INDEX catalog_images_expiry ON catalog_images (trashed_ms);

-- Ids that have no image, and why.
CREATE TABLE catalog_retired (
    id          TEXT NOT NULL PRIMARY KEY,
    owner       TEXT NOT NULL,
    alias_of    TEXT NOT NULL, -- the image with the same bytes, or ''
    fail_code   TEXT NOT NULL,
    fail_detail TEXT NOT NULL
) STRICT;
CREATE INDEX catalog_retired_alias ON catalog_retired (alias_of);

CREATE TABLE catalog_months (
    owner  TEXT    NOT NULL,
    month  TEXT    NOT NULL,
    images INTEGER NOT NULL,
    PRIMARY KEY (owner, month)
) STRICT;

-- One row an owner: its lock, and the last number of its change feed.
CREATE TABLE catalog_feeds (
    owner    TEXT    NOT NULL PRIMARY KEY,
    last_seq INTEGER NOT NULL
) STRICT;

CREATE TABLE catalog_changes (
    owner    TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    image_id TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    at_ms    INTEGER NOT NULL,
    PRIMARY KEY (owner, seq)
) STRICT;
CREATE INDEX catalog_changes_age ON catalog_changes (at_ms);

CREATE TABLE catalog_outbox (
    id               INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    body             TEXT    NOT NULL, -- JSON: a CloudEvent
    claimed_until_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE catalog_settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- +goose Down
DROP TABLE catalog_settings;
DROP TABLE catalog_outbox;
DROP TABLE catalog_changes;
DROP TABLE catalog_feeds;
DROP TABLE catalog_months;
DROP TABLE catalog_retired;
DROP TABLE catalog_images;
