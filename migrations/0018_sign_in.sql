-- Mandatory single sign-on with break-glass accounts, fresh proofs for dangerous acts, linked identities.

ALTER TABLE app_user ADD COLUMN glass BOOLEAN NOT NULL DEFAULT FALSE;   -- break-glass: gets in while SSO is mandatory
ALTER TABLE app_user ADD COLUMN glass_tested_at BIGINT;                 -- last sign-in that way; NULL: none since passphrase or factor changed

ALTER TABLE session ADD COLUMN proved_at BIGINT;                        -- last proof of who that is; NULL: the provider told no time
ALTER TABLE session ADD COLUMN glass BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE sign_in_step ADD COLUMN glass BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE login_attempt ADD COLUMN act TEXT;                          -- prove, link; NULL: a sign-in or a trial
ALTER TABLE login_attempt ADD COLUMN session_id TEXT;                   -- whose act it is
ALTER TABLE login_attempt ADD COLUMN begun_at BIGINT NOT NULL DEFAULT 0;

-- Break-glass sign-ins, shown to administrators until one of them has seen it.
CREATE TABLE glass_use (
    session_id  TEXT   NOT NULL PRIMARY KEY,
    user_id     TEXT   NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    at          BIGINT NOT NULL,
    ip          TEXT,
    seen_at     BIGINT,
    seen_by     TEXT
);
CREATE INDEX glass_use_open ON glass_use (at) WHERE seen_at IS NULL;
