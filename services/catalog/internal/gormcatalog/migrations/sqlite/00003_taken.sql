-- +goose Up
-- Events that were taken in.
CREATE TABLE catalog_taken (
    event_key TEXT    NOT NULL PRIMARY KEY, -- SHA-256 of the source and the id
    digest    TEXT    NOT NULL,             -- SHA-256 of what was said
    taken_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX catalog_taken_age ON catalog_taken (taken_ms);

-- +goose Down
DROP TABLE catalog_taken;
