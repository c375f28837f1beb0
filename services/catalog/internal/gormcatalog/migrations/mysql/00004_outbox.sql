-- +goose Up
-- A program from before this goes on to fill the outbox and to empty it: what it
-- writes has the defaults, and what was set aside is claimed for ever.
ALTER TABLE catalog_outbox
    ADD COLUMN subject  VARCHAR(64)  COLLATE utf8mb4_bin NOT NULL DEFAULT '' COMMENT 'what the event is about, cut: of one subject they go out in order',
    ADD COLUMN attempts INT          NOT NULL DEFAULT 0 COMMENT 'that failed by its own fault',
    ADD COLUMN failed_ms BIGINT      NOT NULL DEFAULT 0 COMMENT 'when it last failed, or 0',
    ADD COLUMN aside    TINYINT(1)   NOT NULL DEFAULT 0 COMMENT 'it was set aside',
    ADD COLUMN reason   VARCHAR(512) NOT NULL DEFAULT '' COMMENT 'of the last failure',
    ADD KEY catalog_outbox_order (subject, id),
    ADD KEY catalog_outbox_due (claimed_until_ms, id);

-- +goose Down
UPDATE catalog_outbox SET claimed_until_ms = 0;
ALTER TABLE catalog_outbox
    DROP KEY catalog_outbox_due,
    DROP KEY catalog_outbox_order,
    DROP COLUMN subject,
    DROP COLUMN attempts,
    DROP COLUMN failed_ms,
    DROP COLUMN aside,
    DROP COLUMN reason;
