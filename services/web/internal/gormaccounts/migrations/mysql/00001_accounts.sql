-- +goose Up
-- Times are milliseconds since 1970, UTC. Of tokens only hashes are kept.
CREATE TABLE IF NOT EXISTS web_accounts (
    id            VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    name          VARCHAR(64)  NOT NULL,
    name_key      VARCHAR(255) COLLATE utf8mb4_bin NOT NULL COMMENT 'what all spellings of the name have in common',
    email         VARCHAR(255) NOT NULL,
    email_key     VARCHAR(255) COLLATE utf8mb4_bin NULL,
    role          VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'empty for none',
    subject       VARCHAR(255) COLLATE utf8mb4_bin NULL COMMENT 'at the identity provider',
    created_ms    BIGINT       NOT NULL,
    UNIQUE KEY web_accounts_name (name_key),
    UNIQUE KEY web_accounts_email (email_key),
    UNIQUE KEY web_accounts_subject (subject)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS web_setups (
    hash     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    until_ms BIGINT      NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS web_sessions (
    id            VARCHAR(26)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    account_id    VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    hash          VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    previous_hash VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NULL,
    confirmed     TINYINT(1)   NOT NULL,
    created_ms    BIGINT       NOT NULL,
    rotated_ms    BIGINT       NOT NULL,
    seen_ms       BIGINT       NOT NULL,
    address       VARCHAR(64)  NOT NULL,
    agent         VARCHAR(255) NOT NULL,
    UNIQUE KEY web_sessions_hash (hash),
    UNIQUE KEY web_sessions_previous (previous_hash),
    KEY web_sessions_account (account_id, seen_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS web_devices (
    hash       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    account_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_ms BIGINT      NOT NULL,
    KEY web_devices_account (account_id, created_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS web_tokens (
    id         VARCHAR(26)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    account_id VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name       VARCHAR(64)  NOT NULL,
    hash       VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_ms BIGINT       NOT NULL,
    used_ms    BIGINT       NULL,
    UNIQUE KEY web_tokens_hash (hash),
    KEY web_tokens_account (account_id, created_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS web_attempts (
    bucket   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    failures INT         NOT NULL,
    last_ms  BIGINT      NOT NULL,
    next_ms  BIGINT      NOT NULL,
    KEY web_attempts_last (last_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- +goose Down
DROP TABLE web_attempts;
DROP TABLE web_tokens;
DROP TABLE web_devices;
DROP TABLE web_sessions;
DROP TABLE web_setups;
DROP TABLE web_accounts;
