//! Figures and read models computed from the documents: customer history, KPIs, health, the directory.

pub mod directory;
