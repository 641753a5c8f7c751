-- Changing an identity provider that is in use.

-- Settings that were changed: tried beside those that hold, and in force only after that. Nobody signs in by them.
CREATE TABLE idp_change (
    idp_id     TEXT   NOT NULL PRIMARY KEY REFERENCES idp (id) ON DELETE CASCADE,
    base       TEXT   NOT NULL,                -- settings that held when these were made: what differs was changed
    settings   TEXT   NOT NULL,                -- JSON, no secrets
    secret     BYTEA,                          -- sealed; NULL: the one that holds stays
    user_id    TEXT   NOT NULL,                -- who changed them last
    updated_at BIGINT NOT NULL
);
