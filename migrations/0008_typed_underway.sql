-- What a person typed before the value that stands, as long as it may still be on its way to a system
-- and come back from there: JSON list, null where the person emptied the field.
ALTER TABLE customer_value ADD COLUMN underway TEXT NOT NULL DEFAULT '[]';
