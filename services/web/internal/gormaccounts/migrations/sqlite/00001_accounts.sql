-- +goose Up
-- Times are milliseconds since 1970, UTC. Of tokens only hashes are kept.
CREATE TABLE web_accounts (
    id            TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    name_key      TEXT    NOT NULL, -- what all spellings of the name have in common
    email         TEXT    NOT NULL,
    email_key     TEXT,
    role          TEXT    NOT NULL,
    password_hash TEXT    NOT NULL, -- '' for none
    subject       TEXT,             -- at the identity provider
    created_ms    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX web_accounts_name ON web_accounts (name_key);
CREATE UNIQUE INDEX web_accounts_email ON web_accounts (email_key);
CREATE UNIQUE INDEX web_accounts_subject ON web_accounts (subject);

CREATE TABLE web_setups (
    hash     TEXT    NOT NULL PRIMARY KEY,
    until_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE web_sessions (
    id            TEXT    NOT NULL PRIMARY KEY,
    account_id    TEXT    NOT NULL,
    hash          TEXT    NOT NULL,
    previous_hash TEXT,
    confirmed     INTEGER NOT NULL,
    created_ms    INTEGER NOT NULL,
    rotated_ms    INTEGER NOT NULL,
    seen_ms       INTEGER NOT NULL,
    address       TEXT    NOT NULL,
    agent         TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX web_sessions_hash ON web_sessions (hash);
CREATE UNIQUE INDEX web_sessions_previous ON web_sessions (previous_hash);
CREATE INDEX web_sessions_account ON web_sessions (account_id, seen_ms);

CREATE TABLE web_devices (
    hash       TEXT    NOT NULL PRIMARY KEY,
    account_id TEXT    NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX web_devices_account ON web_devices (account_id, created_ms);

CREATE TABLE web_tokens (
    id         TEXT    NOT NULL PRIMARY KEY,
    account_id TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    hash       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER
) STRICT;
CREATE UNIQUE INDEX web_tokens_hash ON web_tokens (hash);
CREATE INDEX web_tokens_account ON web_tokens (account_id, created_ms);

CREATE TABLE web_attempts (
    bucket   TEXT    NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_ms  INTEGER NOT NULL,
    next_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX web_attempts_last ON web_attempts (last_ms);

-- +goose Down
DROP TABLE web_attempts;
DROP TABLE web_tokens;
DROP TABLE web_devices;
DROP TABLE web_sessions;
DROP TABLE web_setups;
DROP TABLE web_accounts;
