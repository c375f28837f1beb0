-- What each program may do, in its own schema. A schema is changed by sajin_migrate
-- alone. Terraform runs this when it changes, and it may be run at any time. What
-- is no longer granted here has to be revoked here.
CREATE ROLE IF NOT EXISTS 'sajin_catalog';
CREATE ROLE IF NOT EXISTS 'sajin_web';
CREATE ROLE IF NOT EXISTS 'sajin_migrate';
GRANT SELECT, INSERT, UPDATE, DELETE ON catalog.* TO 'sajin_catalog';
GRANT SELECT, INSERT, UPDATE, DELETE ON web.* TO 'sajin_web';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES ON catalog.* TO 'sajin_migrate';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES ON web.* TO 'sajin_migrate';
