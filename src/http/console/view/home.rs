//! `/`: what needs the reader today.

use crate::analytics::{Health, directory::Entry};

/// One customer that needs attention and why.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: String,
    pub name: String,
    pub health: Health,
    pub reason: DueReason,
}

#[derive(Clone, Debug)]
pub enum DueReason {
    /// Days without contact.
    Quiet(i64),
    Overdue {
        minor: i64,
        currency: crate::model::money::Currency,
    },
    /// The rules of health say so for another reason.
    Health,
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

/// A saved view with how many customers are in it.
#[derive(Clone, Debug)]
pub struct ViewLink {
    pub href: String,
    pub name: String,
    pub count: usize,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct HomePage {
    /// The reader sees customers.
    pub customers: bool,
    /// Last seen by this person, else those with the latest orders.
    pub recent: Vec<Entry>,
    /// The list shows latest orders because nothing was seen yet.
    pub recent_is_orders: bool,
    pub due: Vec<Due>,
    pub due_total: i64,
    /// Those that need attention are the reader's own; else the reader has none, and they are everybody's.
    pub due_is_own: bool,
    /// All of them in the list.
    pub due_href: String,
    pub views: Vec<ViewLink>,
    pub news: Vec<News>,
    pub todo: Vec<Todo>,
}

impl HomePage {
    #[must_use]
    pub fn todo_open(&self) -> bool {
        self.todo.iter().any(|todo| !todo.done)
    }
}
