-- +goose Up
-- A program from before this goes on to fill the outbox and to empty it: what it
-- writes has the defaults, and what was set aside is claimed for ever.
ALTER TABLE catalog_outbox ADD COLUMN subject TEXT NOT NULL DEFAULT ''; -- what the event is about, cut: of one subject they go out in order
ALTER TABLE catalog_outbox ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0; -- that failed by its own fault
ALTER TABLE catalog_outbox ADD COLUMN failed_ms INTEGER NOT NULL DEFAULT 0; -- when it last failed, or 0
ALTER TABLE catalog_outbox ADD COLUMN aside INTEGER NOT NULL DEFAULT 0; -- it was set aside
ALTER TABLE catalog_outbox ADD COLUMN reason TEXT NOT NULL DEFAULT ''; -- of the last failure
CREATE INDEX catalog_outbox_order ON catalog_outbox (subject, id);
CREATE INDEX catalog_outbox_due ON catalog_outbox (claimed_until_ms, id);

-- +goose Down
UPDATE catalog_outbox SET claimed_until_ms = 0;
DROP INDEX catalog_outbox_due;
DROP INDEX catalog_outbox_order;
ALTER TABLE catalog_outbox DROP COLUMN subject;
ALTER TABLE catalog_outbox DROP COLUMN attempts;
ALTER TABLE catalog_outbox DROP COLUMN failed_ms;
ALTER TABLE catalog_outbox DROP COLUMN aside;
ALTER TABLE catalog_outbox DROP COLUMN reason;
