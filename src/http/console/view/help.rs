//! `/help`: a newcomer's questions with their answers, by what the reader may do, and the keys.

use crate::{http::console::Shell, identity::Action};

/// A question of the catalogues (`help.WORD_q`, `help.WORD_a`), and the page where it is done.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    pub word: &'static str,
    pub href: &'static str,
    pub action: Action,
}

/// Questions under one heading.
pub const TOPICS: [(&str, &[Question]); 4] = [
    (
        "daily",
        &[
            Question { word: "find", href: "/search", action: Action::ViewCustomers },
            Question { word: "history", href: "/customers", action: Action::ViewCustomers },
            Question { word: "health", href: "/customers?health=act", action: Action::ViewCustomers },
            Question { word: "views", href: "/customers/views", action: Action::ViewCustomers },
            Question { word: "columns", href: "/customers/columns", action: Action::ViewCustomers },
            Question { word: "export", href: "/customers/export", action: Action::ViewCustomers },
            Question { word: "activity", href: "/customers", action: Action::RecordActivity },
            Question { word: "correct", href: "/customers", action: Action::EditCustomers },
            Question { word: "bulk", href: "/customers/bulk", action: Action::EditCustomers },
        ],
    ),
    (
        "data",
        &[
            Question { word: "failures", href: "/failures", action: Action::ViewFailures },
            Question { word: "imports", href: "/imports", action: Action::ImportFiles },
            Question { word: "share", href: "/customers/views", action: Action::ShareViews },
        ],
    ),
    (
        "admin",
        &[
            Question { word: "connect", href: "/connections", action: Action::ManageConnections },
            Question { word: "stale", href: "/connections", action: Action::ManageConnections },
            Question { word: "people", href: "/admin/users", action: Action::ManageUsers },
            Question { word: "sso", href: "/admin/idp", action: Action::ManageSignIn },
            Question { word: "settings", href: "/settings", action: Action::ManageSettings },
        ],
    ),
    ("audit", &[Question { word: "audit", href: "/admin/audit", action: Action::ViewAudit }]),
];

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct HelpPage;

impl HelpPage {
    /// What this reader may ask, by topic.
    #[must_use]
    pub fn topics(&self, shell: &Shell) -> Vec<(&'static str, Vec<Question>)> {
        let may = |questions: &[Question]| questions.iter().filter(|q| shell.can(q.action)).copied().collect();
        let mut topics: Vec<(&'static str, Vec<Question>)> =
            TOPICS.iter().map(|(topic, questions)| (*topic, may(questions))).collect();
        topics.retain(|(_, questions)| !questions.is_empty());
        topics
    }
}
