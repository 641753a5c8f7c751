//! Which rows a reader sees: the departments of a [`View`] as numbers of this directory.
//!
//! The same condition as `store::scope::condition` has in SQL.

use super::core::{Core, Hot};
use crate::model::{Class, View};

/// A view, looked up once for a question.
#[derive(Debug)]
pub(super) struct Reach {
    /// Numbers of department keys, 0 for "none"; `None`: everybody is seen.
    departments: Option<Vec<u32>>,
    personal_hidden: bool,
}

impl Reach {
    pub(super) fn new(core: &Core, view: &View) -> Self {
        let departments = view.departments().map(|of| {
            let known = of.keys.iter().filter_map(|key| core.departments.find(key)).filter(|number| *number != 0);
            known.chain(of.unassigned.then_some(0)).collect()
        });
        Self { departments, personal_hidden: view.hides(Class::Personal) }
    }

    /// Whether the reader sees the customer of a row.
    pub(super) fn sees(&self, hot: &Hot) -> bool {
        hot.live && self.departments.as_ref().is_none_or(|of| of.contains(&hot.reach))
    }

    /// What is said of single people is hidden, and nobody is found by it.
    pub(super) fn personal_hidden(&self) -> bool {
        self.personal_hidden
    }

    /// Everybody is seen.
    pub(super) fn is_whole(&self) -> bool {
        self.departments.is_none()
    }
}
