-- Who belongs to which department, and whose a customer is, in the form in which both are compared.

CREATE TABLE user_department (
    user_id     TEXT   NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    name_key    TEXT   NOT NULL,           -- width, case and spaces folded
    name        TEXT   NOT NULL,           -- as people write it
    given_by    TEXT   NOT NULL,           -- person | groups: at each sign-in, by the provider's groups
    given_at    BIGINT NOT NULL,
    PRIMARY KEY (user_id, name_key)
);

-- NULL beside a department: not folded yet, and then seen only by who sees everything.
ALTER TABLE customer ADD COLUMN department_key TEXT;
CREATE INDEX customer_department ON customer (department_key);
