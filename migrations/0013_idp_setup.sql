-- Setting up identity providers in the console.

-- Being set up: signs nobody in, whoever says so.
ALTER TABLE idp ADD COLUMN draft BOOLEAN NOT NULL DEFAULT FALSE CHECK (NOT (draft AND enabled));
ALTER TABLE idp ADD COLUMN preset TEXT;               -- whose menus the console names

ALTER TABLE login_attempt ADD COLUMN trial TEXT;      -- session of whoever tries a provider; NULL: a sign-in

-- What the last trial of a provider found.
CREATE TABLE idp_trial (
    idp_id        TEXT    NOT NULL PRIMARY KEY REFERENCES idp (id) ON DELETE CASCADE,
    user_id       TEXT    NOT NULL,                   -- who tried
    at            BIGINT  NOT NULL,
    passed        BOOLEAN NOT NULL,
    settings_hash TEXT    NOT NULL,                   -- SHA-256 of what was tried: other settings need another trial
    report        BYTEA   NOT NULL                    -- sealed JSON: checks, and what the provider says of that person
);
