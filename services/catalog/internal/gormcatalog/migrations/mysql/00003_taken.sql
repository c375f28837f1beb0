-- +goose Up
CREATE TABLE IF NOT EXISTS catalog_taken (
    event_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY COMMENT 'SHA-256 of the source and the id',
    digest    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'SHA-256 of what was said',
    taken_ms  BIGINT      NOT NULL,
    KEY catalog_taken_age (taken_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT 'events that were taken in';

-- +goose Down
DROP TABLE catalog_taken;
