//! What every page knows: the reader, their language and theme, the company, the time, the menu.
//!
//! Its methods are the vocabulary of the templates: texts, amounts, times, icons, tiles. Everything
//! that returns [`Markup`] escapes what it was given.

use std::{borrow::Cow, fmt};

use jiff::tz::TimeZone;

use super::{
    assets,
    catalogue::Lang,
    markup::{Markup, Num, Unit, escape},
    view::format,
};
use crate::{
    identity::{self, Audience, Role},
    model::{Currency, Timestamp, custom::Definitions},
};

/// The signed-in reader.
#[derive(Clone, Debug)]
pub struct Me {
    pub name: String,
    pub mail: String,
    pub role: Role,
    pub csrf: String,
}

/// The menu entry a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Home,
    Customers,
    Sync,
    Connections,
    Failures,
    Webhooks,
    Users,
    SignIn,
    Audit,
    Settings,
    /// Pages outside the menu.
    None,
}

/// One line shown at the top after an action.
#[derive(Clone, Debug)]
pub struct Notice {
    /// `ok`, `warn`, `bad` or `info`.
    pub tone: &'static str,
    pub text: String,
}

/// A break-glass sign-in that no administrator said to have seen.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// Of its session.
    pub id: String,
    pub name: String,
    pub at: Timestamp,
    pub ip: Option<String>,
}

/// One menu entry as the templates draw it.
#[derive(Clone, Debug)]
pub struct NavItem {
    pub href: &'static str,
    pub key: &'static str,
    pub icon: &'static str,
    pub current: bool,
    pub count: Option<i64>,
    /// The count blocks data and is shown red.
    pub hot: bool,
    /// Heading above this entry, where a group begins.
    pub group: Option<&'static str>,
}

/// A page of the hub that the search finds by its name.
#[derive(Clone, Copy, Debug)]
pub struct PageRef {
    pub href: &'static str,
    /// Its name, of the catalogues.
    pub key: &'static str,
}

/// Pages beside the menu, with what their reader must be allowed.
const PAGES: [(&str, &str, identity::Action); 10] = {
    use identity::Action;
    [
        ("/customers/views", "views.title", Action::ViewCustomers),
        ("/customers/columns", "columns.title", Action::ViewCustomers),
        ("/customers/export", "export.title", Action::ViewCustomers),
        ("/customers/bulk", "bulk.title", Action::EditCustomers),
        ("/customers/new", "edit.new", Action::EditCustomers),
        ("/imports", "import.title", Action::ImportFiles),
        ("/settings/fields", "custom.title", Action::ManageSettings),
        ("/settings/rules", "rules.title", Action::ManageSettings),
        ("/api/docs", "api.title", Action::ViewCustomers),
        ("/me", "me.title", Action::ViewCustomers),
    ]
};

/// Where `g` and a letter lead, by the menu entry that must be there.
const GO: [(&str, &str, &str); 6] = [
    ("h", "/", "nav.home"),
    ("c", "/customers", "nav.customers"),
    ("s", "/sync", "nav.sync"),
    ("e", "/failures", "nav.failures"),
    ("w", "/webhooks", "nav.webhooks"),
    ("u", "/admin/users", "nav.users"),
];

/// See the module.
#[derive(Clone, Debug)]
pub struct Shell {
    pub lang: Lang,
    /// `system`, `light` or `dark`.
    pub theme: String,
    pub company: String,
    pub zone: TimeZone,
    pub now: Timestamp,
    pub me: Option<Me>,
    pub section: Section,
    /// Path and query of this page, for the language switch and for returning after sign-in.
    pub path: String,
    /// Single-key shortcuts are on.
    pub shortcuts: bool,
    pub customers: Option<i64>,
    pub connections: Option<i64>,
    pub open_failures: i64,
    pub notice: Option<Notice>,
    /// The reader came by the break-glass page.
    pub glass: bool,
    pub alarms: Vec<Alarm>,
    /// Seconds after which a page without script loads itself again.
    pub refresh: Option<u32>,
    /// Fields that the administrator added: their labels are words too.
    pub fields: Definitions,
    /// The organisation's.
    pub currency: Currency,
    /// Its customers are persons: pages speak of them so.
    pub audience: Audience,
}

impl Shell {
    /// The key of a text, or of the one that stands for it where customers are persons.
    fn key<'k>(&self, key: &'k str) -> Cow<'k, str> {
        if self.audience == Audience::Persons {
            let other = format!("persons.{key}");
            if self.lang.find(&other).is_some() {
                return Cow::Owned(other);
            }
        }
        Cow::Borrowed(key)
    }

    #[must_use]
    pub fn t(&self, key: &str) -> &'static str {
        self.lang.t(&self.key(key))
    }

    /// Text of a key made of a fixed part and a word from data; the word itself when unknown.
    #[must_use]
    pub fn word<'a>(&self, prefix: &str, word: &'a str) -> &'a str
    where
        'static: 'a,
    {
        self.lang.find(&self.key(&format!("{prefix}.{word}"))).unwrap_or(word)
    }

    /// What a field of a record is called, also one that the administrator added.
    #[must_use]
    pub fn field<'a>(&'a self, name: &'a str) -> &'a str {
        let added = self.fields.of_field(name);
        added.map_or_else(|| self.word("field", name), |added| added.label(self.lang == Lang::En))
    }

    /// A sentence for a stable cause code: `part` is `title`, `why` or `todo`.
    #[must_use]
    pub fn cause(&self, code: &str, part: &str) -> &'static str {
        self.lang.find(&format!("cause.{code}.{part}")).unwrap_or_else(|| self.t(&format!("cause.OTHER.{part}")))
    }

    /// What is wrong with a form field, by its code.
    #[must_use]
    pub fn form_error(&self, code: &str) -> &'static str {
        self.lang.find(&format!("form_error.{code}")).unwrap_or_else(|| self.t("form_error.OTHER"))
    }

    /// A sentence in which words of code stand between backticks.
    #[must_use]
    pub fn coded(&self, text: impl AsRef<str>) -> Markup {
        let parts = text.as_ref().split('`').enumerate();
        let html: String = parts
            .map(|(n, part)| if n % 2 == 1 { format!("<code>{}</code>", escape(part)) } else { escape(part) })
            .collect();
        Markup::new(html)
    }

    #[must_use]
    pub fn n(&self, key: &str, number: impl Num) -> String {
        self.lang.n(&self.key(key), number)
    }

    #[must_use]
    pub fn n1(&self, key: &str, number: impl Num, more: impl fmt::Display) -> String {
        self.lang.count(&self.key(key), number.num(), &[&more.to_string()])
    }

    #[must_use]
    pub fn f1(&self, key: &str, a: impl fmt::Display) -> String {
        self.lang.fill(&self.key(key), &[&a.to_string()])
    }

    #[must_use]
    pub fn f2(&self, key: &str, a: impl fmt::Display, b: impl fmt::Display) -> String {
        self.lang.fill(&self.key(key), &[&a.to_string(), &b.to_string()])
    }

    #[must_use]
    pub fn f3(&self, key: &str, a: impl fmt::Display, b: impl fmt::Display, c: impl fmt::Display) -> String {
        self.lang.fill(&self.key(key), &[&a.to_string(), &b.to_string(), &c.to_string()])
    }

    #[must_use]
    pub fn num(&self, number: impl Num) -> String {
        format::group(number.num())
    }

    #[must_use]
    pub fn money(&self, minor: impl Num, currency: impl Unit) -> String {
        format::money(minor.num(), currency.unit())
    }

    /// A headline amount with its unit in small letters.
    #[must_use]
    pub fn headline(&self, minor: impl Num, currency: impl Unit) -> Markup {
        let (value, unit) = format::headline(minor.num(), currency.unit(), self.lang);
        let unit = if unit.is_empty() { String::new() } else { format!("<small>{unit}</small>") };
        Markup::new(format!("{}{unit}", escape(&value)))
    }

    #[must_use]
    pub fn asset(&self, name: &str) -> String {
        assets::url(name)
    }

    fn role(&self) -> Option<Role> {
        self.me.as_ref().map(|me| me.role)
    }

    /// Connections, webhooks and settings are shown.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        matches!(self.role(), Some(Role::Owner | Role::Admin))
    }

    /// Failed records are shown and may be replayed.
    #[must_use]
    pub fn is_steward(&self) -> bool {
        self.is_admin() || self.role() == Some(Role::Steward)
    }

    /// Customers may be corrected and begun.
    #[must_use]
    pub fn may_edit(&self) -> bool {
        self.role().is_some_and(|role| identity::can(role, identity::Action::EditCustomers))
    }

    /// Activities may be recorded.
    #[must_use]
    pub fn may_record(&self) -> bool {
        matches!(self.role(), Some(Role::Owner | Role::Admin | Role::Steward | Role::Employee))
    }

    #[must_use]
    pub fn role_name(&self) -> &'static str {
        self.t(match self.role() {
            Some(Role::Owner) => "role.owner",
            Some(Role::Admin) => "role.admin",
            Some(Role::Steward) => "role.steward",
            Some(Role::Employee) => "role.employee",
            Some(Role::Auditor) => "role.auditor",
            Some(Role::Viewer) | None => "role.viewer",
        })
    }

    /// What the reader's role allows.
    #[must_use]
    pub fn can(&self, action: identity::Action) -> bool {
        self.role().is_some_and(|role| identity::can(role, action))
    }

    /// A question or an answer of the help.
    #[must_use]
    pub fn help(&self, word: &str, part: &str) -> &'static str {
        self.t(&format!("help.{word}_{part}"))
    }

    /// Every page that this reader may open, as the search finds them.
    #[must_use]
    pub fn pages(&self) -> Vec<PageRef> {
        let menu = self.nav().into_iter().map(|item| PageRef { href: item.href, key: item.key });
        let others = PAGES.into_iter().filter(|(.., action)| self.can(*action));
        let help = std::iter::once(PageRef { href: "/help", key: "help.title" });
        menu.chain(others.map(|(href, key, _)| PageRef { href, key })).chain(help).collect()
    }

    /// The letter behind `g` that leads to a menu entry; empty: none does.
    #[must_use]
    pub fn go(&self, href: &str) -> &'static str {
        GO.into_iter().find(|(_, to, _)| *to == href).map_or("", |(letter, ..)| letter)
    }

    /// Keys and what they do, of those that mean something to this reader.
    #[must_use]
    pub fn keys(&self) -> Vec<(Vec<&'static str>, &'static str)> {
        let menu: Vec<&str> = self.nav().iter().map(|item| item.href).collect();
        let mut keys = vec![(vec!["/"], "keys.search"), (vec!["Ctrl", "K"], "keys.search_all")];
        let go = GO.into_iter().filter(|(_, href, _)| menu.contains(href));
        keys.extend(go.map(|(letter, _, key)| (vec!["g", letter], key)));
        keys.extend([
            (vec!["j", "k"], "keys.move"),
            (vec!["Enter"], "keys.open"),
            (vec!["x"], "keys.pick"),
            (vec!["?"], "keys.help"),
            (vec!["Esc"], "keys.close"),
        ]);
        keys
    }

    /// The menu of this reader; what the role may not use is absent.
    #[must_use]
    pub fn nav(&self) -> Vec<NavItem> {
        use identity::Action;
        let item = |href, key, icon, section, count| NavItem {
            href,
            key,
            icon,
            current: self.section == section,
            count,
            hot: false,
            group: None,
        };
        let group = |heading, items: Vec<(Action, NavItem)>| {
            let mut items: Vec<NavItem> =
                items.into_iter().filter(|(action, _)| self.can(*action)).map(|(_, item)| item).collect();
            if let Some(first) = items.first_mut() {
                first.group = heading;
            }
            items
        };
        let failures = (self.open_failures > 0).then_some(self.open_failures);
        let failures = item("/failures", "nav.failures", "inbox", Section::Failures, failures);
        let connections = item("/connections", "nav.connections", "plug", Section::Connections, self.connections);
        let customers = item("/customers", "nav.customers", "people", Section::Customers, self.customers);
        let mut nav = vec![item("/", "nav.home", "home", Section::Home, None)];
        nav.extend(group(None, vec![(Action::ViewCustomers, customers)]));
        nav.extend(group(
            Some("nav.group_sync"),
            vec![
                (Action::ViewOperations, item("/sync", "nav.sync", "pulse", Section::Sync, None)),
                (Action::ManageConnections, connections),
                (Action::ViewFailures, NavItem { hot: true, ..failures }),
                (Action::ViewOperations, item("/webhooks", "nav.webhooks", "hook", Section::Webhooks, None)),
            ],
        ));
        nav.extend(group(
            Some("nav.group_admin"),
            vec![
                (Action::ViewUsers, item("/admin/users", "nav.users", "people", Section::Users, None)),
                (Action::ManageSignIn, item("/admin/idp", "nav.sign_in", "key", Section::SignIn, None)),
                (Action::ViewAudit, item("/admin/audit", "nav.audit", "doc", Section::Audit, None)),
                (Action::ManageSettings, item("/settings", "nav.settings", "gear", Section::Settings, None)),
            ],
        ));
        nav
    }
}
