pub mod connector;
pub mod manifest;
