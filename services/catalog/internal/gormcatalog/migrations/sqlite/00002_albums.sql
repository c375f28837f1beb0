-- +goose Up
CREATE TABLE catalog_albums (
    id         TEXT    NOT NULL PRIMARY KEY,
    owner      TEXT    NOT NULL,
    parent     TEXT    NOT NULL, -- an album's id, or empty at the top
    name       TEXT    NOT NULL, -- NFC
    images     INTEGER NOT NULL, -- members that are not in the trash
    created_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX catalog_albums_place ON catalog_albums (owner, parent, name);

-- What orders and hides a member is copied from its image.
CREATE TABLE catalog_members (
    album_id TEXT    NOT NULL,
    image_id TEXT    NOT NULL,
    trashed  INTEGER NOT NULL,
    taken_ms INTEGER NOT NULL,
    PRIMARY KEY (album_id, image_id)
) STRICT;
CREATE INDEX catalog_members_page ON catalog_members (album_id, trashed, taken_ms, image_id);
CREATE INDEX catalog_members_image ON catalog_members (image_id);

-- A change is about an image or about an album; the other is empty.
ALTER TABLE catalog_changes ADD COLUMN album_id TEXT NOT NULL DEFAULT '';

-- +goose Down
DELETE FROM catalog_changes WHERE album_id <> '';
ALTER TABLE catalog_changes DROP COLUMN album_id;
DROP TABLE catalog_members;
DROP TABLE catalog_albums;
