-- People, their sessions, and an audit trail that shows when it was tampered with.

ALTER TABLE app_user ADD COLUMN signed_in_at BIGINT;  -- last sign-in
UPDATE app_user SET signed_in_at =
    (SELECT MAX(at) FROM audit WHERE audit.actor = app_user.id AND action = 'session.start' AND outcome = 'ok');

ALTER TABLE audit ADD COLUMN number BIGINT;           -- place in the chain, from 1; NULL: not sealed yet
ALTER TABLE audit ADD COLUMN hash TEXT;               -- hex SHA-256 of the entry before and this one
CREATE UNIQUE INDEX audit_number ON audit (number);
CREATE INDEX audit_open ON audit (id) WHERE number IS NULL;
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_object ON audit (object_id, id);
CREATE INDEX audit_request ON audit (request_id);

-- How long the chain is, sealed under the installation's key: who can only write to the database cannot
-- make another one.
CREATE TABLE audit_head (
    name        TEXT   NOT NULL PRIMARY KEY,          -- 'head': one row
    number      BIGINT NOT NULL,
    hash        TEXT   NOT NULL,
    seal        BYTEA  NOT NULL,
    at          BIGINT NOT NULL
);

-- The second factor of a local account: codes of the moment (RFC 6238).
CREATE TABLE second_factor (
    user_id      TEXT   NOT NULL PRIMARY KEY REFERENCES app_user (id) ON DELETE CASCADE,
    secret       BYTEA  NOT NULL,                     -- sealed
    used_step    BIGINT NOT NULL,                     -- the last half minute whose code was taken
    created_at   BIGINT NOT NULL,
    confirmed_at BIGINT                               -- NULL: begun, not asked for yet
);

CREATE TABLE recovery_code (
    user_id      TEXT   NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    code_hash    BYTEA  NOT NULL,                     -- SHA-256 of about 80 random bits
    used_at      BIGINT,
    PRIMARY KEY (user_id, code_hash)
);

-- The passphrase was right; the code is awaited.
CREATE TABLE sign_in_step (
    token_hash   BYTEA  NOT NULL PRIMARY KEY,         -- SHA-256 of the browser's cookie
    user_id      TEXT   NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    tries        BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX sign_in_step_expires ON sign_in_step (expires_at);
