//! Tables for Japanese offices: CSV that says what it could not write, XLSX that opens clean.
