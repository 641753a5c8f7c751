-- Tokens by which programs call the API, and accounts for programs.

ALTER TABLE app_user ADD COLUMN kind TEXT NOT NULL DEFAULT 'person';  -- service: cannot sign in, acts by tokens only

CREATE TABLE api_token (
    id          TEXT   NOT NULL PRIMARY KEY,
    token_hash  BYTEA  NOT NULL UNIQUE,        -- SHA-256 of the whole token
    user_id     TEXT   NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    name        TEXT   NOT NULL,               -- what it is for, as its owner calls it
    scopes      TEXT   NOT NULL,               -- words with spaces between them
    created_at  BIGINT NOT NULL,
    created_by  TEXT   NOT NULL,               -- as in the audit trail
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT,                        -- to the minute
    revoked_at  BIGINT,
    revoked_by  TEXT
);
CREATE INDEX api_token_user ON api_token (user_id);
CREATE INDEX api_token_created ON api_token (created_at);
