-- Passkeys beside codes as the second factor of local accounts, and the devices people sign in from.

CREATE TABLE passkey (
    id              TEXT    NOT NULL PRIMARY KEY,
    user_id         TEXT    NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    credential_id   BYTEA   NOT NULL,                 -- as the authenticator names it; nobody else has it
    public_key      BYTEA   NOT NULL,                 -- COSE
    transports      TEXT    NOT NULL,                 -- ways to reach the authenticator, one space between
    label           TEXT    NOT NULL,
    counter         BIGINT  NOT NULL,                 -- of its signatures; 0: it does not count
    backup_eligible BOOLEAN NOT NULL,                 -- it may be kept by a service that brings it to other devices
    backed_up       BOOLEAN NOT NULL,                 -- and it is
    created_at      BIGINT  NOT NULL,
    used_at         BIGINT
);
CREATE UNIQUE INDEX passkey_credential ON passkey (credential_id);
CREATE INDEX passkey_user ON passkey (user_id);

-- What an authenticator was asked to sign, once.
CREATE TABLE passkey_challenge (
    act           TEXT    NOT NULL,                   -- register, sign_in, prove
    bound         TEXT    NOT NULL,                   -- the session, or the hash of the cookie of a sign-in on its way
    user_id       TEXT    NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    challenge     TEXT    NOT NULL,
    expires_at    BIGINT  NOT NULL,
    PRIMARY KEY (act, bound)
);
CREATE INDEX passkey_challenge_expires ON passkey_challenge (expires_at);

-- Kinds of browsers that somebody signed in with: a new one is told by mail.
CREATE TABLE known_device (
    user_id       TEXT    NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    device        BYTEA   NOT NULL,                   -- SHA-256 of what it says of itself, without versions
    first_at      BIGINT  NOT NULL,
    seen_at       BIGINT  NOT NULL,
    PRIMARY KEY (user_id, device)
);

ALTER TABLE alert ADD COLUMN name TEXT;               -- of what is gone when it is told; NULL: it is looked up
