-- Signing in by SAML 2.0.

-- A provider's answer between the POST that brought it and the page that reads it. Taken once.
CREATE TABLE saml_response (
    handle_hash BYTEA  NOT NULL PRIMARY KEY,   -- SHA-256 of what the browser is sent on with
    idp_id      TEXT   NOT NULL REFERENCES idp (id) ON DELETE CASCADE,
    body        BYTEA  NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX saml_response_expires ON saml_response (expires_at);

-- Assertions that signed somebody in: each does so once, on whichever node.
CREATE TABLE saml_assertion (
    issuer     TEXT   NOT NULL,
    id_hash    BYTEA  NOT NULL,                -- SHA-256 of its ID
    expires_at BIGINT NOT NULL,                -- when nobody would take it any more
    PRIMARY KEY (issuer, id_hash)
);
CREATE INDEX saml_assertion_expires ON saml_assertion (expires_at);
