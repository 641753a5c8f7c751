//! The directory: every customer's name and figures in memory, for search, facets and sorting.

/// See the module.
#[derive(Debug, Default)]
pub struct Directory;
