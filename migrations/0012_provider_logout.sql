-- Signing out at the provider, after signing out here.

ALTER TABLE session ADD COLUMN hint BYTEA;     -- sealed ID token, where the provider lets people sign out by it

-- An offer to somebody who signed out here. Taken once.
CREATE TABLE parting (
    ticket_hash BYTEA  NOT NULL PRIMARY KEY,   -- SHA-256 of the browser's cookie
    idp_id      TEXT   NOT NULL REFERENCES idp (id) ON DELETE CASCADE,
    session_id  TEXT   NOT NULL,               -- where the hint was sealed for
    hint        BYTEA  NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX parting_expires ON parting (expires_at);
