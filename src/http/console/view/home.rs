//! `/`: what needs the reader today.

use crate::analytics::{Health, directory::Entry};

/// One customer that needs attention and why.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: String,
    pub name: String,
    pub health: Health,
    /// `home.due_quiet` with days, or `home.due_overdue` with an amount as shown.
    pub reason: DueReason,
}

#[derive(Clone, Debug)]
pub enum DueReason {
    Quiet(i64),
    Overdue { minor: i64, currency: crate::model::money::Currency },
}

/// One sentence about sync trouble.
#[derive(Clone, Debug)]
pub struct News {
    /// `ok`, `warn` or `bad`.
    pub tone: &'static str,
    pub text: String,
    pub href: Option<String>,
}

/// One point of the set-up list.
#[derive(Clone, Debug)]
pub struct Todo {
    /// Catalogue key.
    pub key: &'static str,
    pub done: bool,
    pub href: &'static str,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct HomePage {
    /// Last seen by this person, else those with the latest orders.
    pub recent: Vec<Entry>,
    /// The list shows latest orders because nothing was seen yet.
    pub recent_is_orders: bool,
    pub due: Vec<Due>,
    pub due_total: i64,
    pub news: Vec<News>,
    pub todo: Vec<Todo>,
}

impl HomePage {
    #[must_use]
    pub fn todo_open(&self) -> bool {
        self.todo.iter().any(|todo| !todo.done)
    }
}
