-- Signing in with the company's own identity provider.

CREATE TABLE idp (
    id          TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    kind        TEXT    NOT NULL,              -- oidc
    settings    TEXT    NOT NULL,              -- JSON, no secrets
    secret      BYTEA,                         -- sealed client secret
    enabled     BOOLEAN NOT NULL,
    created_at  BIGINT  NOT NULL,
    updated_at  BIGINT  NOT NULL
);

-- A sign-in that was begun and did not come back yet. Used once; holds nothing that signs anybody in.
CREATE TABLE login_attempt (
    state_hash   BYTEA  NOT NULL PRIMARY KEY,  -- SHA-256 of what the provider is given and gives back
    browser_hash BYTEA  NOT NULL,              -- SHA-256 of the cookie of the browser that began it
    idp_id       TEXT   NOT NULL REFERENCES idp (id) ON DELETE CASCADE,
    next         TEXT   NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX login_attempt_expires ON login_attempt (expires_at);

-- Who a person is at a provider. Bound to (issuer, subject), never to a mail address.
CREATE TABLE external_identity (
    issuer       TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    idp_id       TEXT   NOT NULL,
    user_id      TEXT   NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX external_identity_user ON external_identity (user_id);

-- Logout tokens that were heeded: each ends sessions once.
CREATE TABLE logout_token (
    idp_id     TEXT   NOT NULL,
    token_hash BYTEA  NOT NULL,                -- SHA-256 of its jti
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (idp_id, token_hash)
);

ALTER TABLE session ADD COLUMN idp_id TEXT;    -- NULL: passphrase
ALTER TABLE session ADD COLUMN subject TEXT;   -- at the provider
ALTER TABLE session ADD COLUMN sid TEXT;       -- the provider's own session, where it says one
CREATE INDEX session_subject ON session (idp_id, subject);
