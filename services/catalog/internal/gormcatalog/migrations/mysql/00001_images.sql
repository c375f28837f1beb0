-- +goose Up
-- Times are milliseconds since 1970, UTC. What is compared byte by byte is
-- ascii_bin; what people read is utf8mb4.
CREATE TABLE IF NOT EXISTS catalog_images (
    id           VARCHAR(26)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    owner        VARCHAR(64)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name         VARCHAR(255)  NOT NULL,
    object_key   VARCHAR(1024) COLLATE utf8mb4_bin NOT NULL,
    content_type VARCHAR(127)  NOT NULL,
    size         BIGINT        NOT NULL,
    width        INT           NOT NULL,
    height       INT           NOT NULL,
    sha256       VARCHAR(64)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    content_key  VARCHAR(64)   CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'sha256, or NULL while it may be added again',
    taken_ms     BIGINT        NOT NULL,
    taken_offset INT           NULL COMMENT 'minutes',
    month        VARCHAR(7)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT '2006-01, in the capture''s offset',
    created_ms   BIGINT        NOT NULL,
    trashed      TINYINT(1)    NOT NULL,
    trashed_ms   BIGINT        NULL,
    state        VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    fail_code    VARCHAR(64)   NOT NULL,
    fail_detail  VARCHAR(512)  NOT NULL,
    placeholder  VARCHAR(128)  NOT NULL,
    animated     TINYINT(1)    NOT NULL,
    details      MEDIUMTEXT    NOT NULL COMMENT 'JSON: camera, place, renditions',
    UNIQUE KEY catalog_images_content (owner, content_key),
    KEY catalog_images_timeline (owner, trashed, taken_ms, id),
    KEY catalog_images_month (owner, trashed, month, taken_ms, id),
    KEY catalog_images_expiry (trashed_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS catalog_retired (
    id          VARCHAR(26)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    owner       VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    alias_of    VARCHAR(26)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the image with the same bytes, or empty',
    fail_code   VARCHAR(64)  NOT NULL,
    fail_detail VARCHAR(512) NOT NULL,
    KEY catalog_retired_alias (alias_of)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT 'ids that have no image, and why';

CREATE TABLE IF NOT EXISTS catalog_months (
    owner  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    month  VARCHAR(7)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    images BIGINT      NOT NULL,
    PRIMARY KEY (owner, month)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS catalog_feeds (
    owner    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    last_seq BIGINT      NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT 'one row an owner: its lock, and the last number of its change feed';

CREATE TABLE IF NOT EXISTS catalog_changes (
    owner    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    seq      BIGINT      NOT NULL,
    image_id VARCHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind     VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    at_ms    BIGINT      NOT NULL,
    PRIMARY KEY (owner, seq),
    KEY catalog_changes_age (at_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS catalog_outbox (
    id               BIGINT     NOT NULL AUTO_INCREMENT PRIMARY KEY,
    body             MEDIUMTEXT NOT NULL COMMENT 'JSON: a CloudEvent',
    claimed_until_ms BIGINT     NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS catalog_settings (
    name  VARCHAR(64)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    value VARBINARY(255) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- +goose Down
DROP TABLE catalog_settings;
DROP TABLE catalog_outbox;
DROP TABLE catalog_changes;
DROP TABLE catalog_feeds;
DROP TABLE catalog_months;
DROP TABLE catalog_retired;
DROP TABLE catalog_images;
