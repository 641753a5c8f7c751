-- Mails to people, invitations, alerts, and the mail domains of providers.

-- Written in the transaction of their cause, sent by a worker. What a mail says is gone once nobody waits for it.
CREATE TABLE mail (
    id           TEXT   NOT NULL PRIMARY KEY,
    kind         TEXT   NOT NULL,              -- test | invitation | alerts | factor_removed | recovery_code
    recipient    TEXT   NOT NULL,
    language     TEXT   NOT NULL,
    letter       BYTEA,                        -- sealed
    about        TEXT,                         -- the invitation it belongs to
    state        TEXT   NOT NULL,              -- waiting | sent | dead | withdrawn
    attempts     BIGINT NOT NULL,
    not_before   BIGINT NOT NULL,
    give_up_at   BIGINT NOT NULL,
    leased_by    TEXT,
    leased_until BIGINT,
    cause        TEXT,                         -- stable code of the last trouble
    answer       TEXT,                         -- what the server said
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX mail_due ON mail (not_before, id) WHERE state = 'waiting';
CREATE INDEX mail_about ON mail (about, created_at);

-- A link that lets in one person, once.
CREATE TABLE invitation (
    id         TEXT   NOT NULL PRIMARY KEY,
    mail       TEXT   NOT NULL,
    mail_key   TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    language   TEXT   NOT NULL,
    token_hash BYTEA  NOT NULL UNIQUE,         -- SHA-256 of 256 random bits
    state      TEXT   NOT NULL,                -- open | used | withdrawn
    invited_by TEXT   NOT NULL,                -- user id, or cli
    user_id    TEXT,                           -- who came; of an open one: whose account it is for
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX invitation_open ON invitation (mail_key) WHERE state = 'open';

-- The role of the invitation that brought somebody, where a provider's groups give none.
ALTER TABLE app_user ADD COLUMN invited_role TEXT;
-- Whether alerts go to this person; NULL: as the role has it.
ALTER TABLE app_user ADD COLUMN alerts BOOLEAN;

-- Something that somebody should know of: once a cause and day.
CREATE TABLE alert (
    id      TEXT   NOT NULL PRIMARY KEY,
    kind    TEXT   NOT NULL,
    about   TEXT   NOT NULL,                   -- id of a person, a provider or a connection
    day     TEXT   NOT NULL,                   -- of the organisation's zone; '': once for all
    times   BIGINT NOT NULL,
    at      BIGINT NOT NULL,                   -- first time
    told_at BIGINT                             -- NULL: in no mail yet
);
CREATE UNIQUE INDEX alert_once ON alert (kind, about, day);
CREATE INDEX alert_untold ON alert (at) WHERE told_at IS NULL;

-- Whose people sign in where.
CREATE TABLE idp_domain (
    domain      TEXT   NOT NULL PRIMARY KEY,   -- lower case, ASCII form
    idp_id      TEXT   NOT NULL REFERENCES idp (id) ON DELETE CASCADE,
    token       TEXT   NOT NULL,               -- what the TXT record has to say
    verified_at BIGINT,                        -- NULL: nobody is led there yet
    checked_at  BIGINT,
    created_at  BIGINT NOT NULL
);
