-- SAML: metadata that is read again by itself, single logout, roll-over of our own keys.

-- When a provider's metadata is read next, and how it went.
CREATE TABLE saml_reading (
    idp_id       TEXT   NOT NULL PRIMARY KEY REFERENCES idp (id) ON DELETE CASCADE,
    due_at       BIGINT NOT NULL,
    leased_until BIGINT,                       -- one node of several reads it
    read_at      BIGINT,                       -- last time that it could be used
    failures     BIGINT NOT NULL,              -- since then
    failed_at    BIGINT,                       -- the first of these
    code         TEXT,                         -- why, the last time
    detail       TEXT
);

-- Requests to sign out at a provider that were sent. Answered once.
CREATE TABLE saml_logout (
    request_hash BYTEA  NOT NULL PRIMARY KEY,  -- SHA-256 of its ID
    idp_id       TEXT   NOT NULL REFERENCES idp (id) ON DELETE CASCADE,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX saml_logout_expires ON saml_logout (expires_at);

-- How the provider names the person when it signs somebody out; the subject may be another attribute.
ALTER TABLE session ADD COLUMN name_id TEXT;
UPDATE session SET name_id = subject WHERE idp_id IN (SELECT id FROM idp WHERE kind = 'saml');

-- Sealed: the key of ours that comes next, or the one before.
ALTER TABLE idp ADD COLUMN other_secret BYTEA;
