-- +goose Up
-- Names are compared byte by byte, as SQLite does: "Day" and "day" are two albums.
CREATE TABLE IF NOT EXISTS catalog_albums (
    id         VARCHAR(26)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    owner      VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    parent     VARCHAR(26)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'an album''s id, or empty at the top',
    name       VARCHAR(255) COLLATE utf8mb4_bin NOT NULL COMMENT 'NFC',
    images     BIGINT       NOT NULL COMMENT 'members that are not in the trash',
    created_ms BIGINT       NOT NULL,
    UNIQUE KEY catalog_albums_place (owner, parent, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS catalog_members (
    album_id VARCHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    image_id VARCHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    trashed  TINYINT(1)  NOT NULL,
    taken_ms BIGINT      NOT NULL,
    PRIMARY KEY (album_id, image_id),
    KEY catalog_members_page (album_id, trashed, taken_ms, image_id),
    KEY catalog_members_image (image_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT 'what orders and hides a member is copied from its image';

ALTER TABLE catalog_changes ADD COLUMN album_id VARCHAR(26) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'instead of image_id';

-- +goose Down
DELETE FROM catalog_changes WHERE album_id <> '';
ALTER TABLE catalog_changes DROP COLUMN album_id;
DROP TABLE catalog_members;
DROP TABLE catalog_albums;
