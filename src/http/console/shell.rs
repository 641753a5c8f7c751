//! What every page knows: the reader, their language and theme, the company, the time, the menu.
//!
//! Its methods are the vocabulary of the templates: texts, amounts, times, icons, tiles. Everything
//! that returns [`Markup`] escapes what it was given.

use std::fmt;

use jiff::tz::TimeZone;

use super::{
    assets,
    catalogue::Lang,
    view::{
        format,
        status::{self, State, Status},
    },
};
use crate::{
    analytics::Health,
    identity::Role,
    model::{Timestamp, money::Currency},
};

/// HTML that is already safe.
#[derive(Clone, Debug, Default)]
pub struct Markup(String);

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Markup {}

impl Markup {
    /// Only for markup built in this room, with everything from outside passed through [`escape`].
    pub(super) fn new(html: String) -> Self {
        Self(html)
    }
}

/// Text as it may stand in HTML text and in quoted attributes.
#[must_use]
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Whole numbers as templates pass them: by value or behind references.
pub trait Num {
    fn num(&self) -> i64;
}

macro_rules! num {
    ($($t:ty),*) => { $(impl Num for $t {
        fn num(&self) -> i64 {
            i64::try_from(*self).unwrap_or(i64::MAX)
        }
    })* };
}
num!(i64, i32, usize, u64, u32, u8);

impl<T: Num + ?Sized> Num for &T {
    fn num(&self) -> i64 {
        (**self).num()
    }
}

/// Instants as templates pass them.
pub trait Instant {
    fn instant(&self) -> Timestamp;
}

impl Instant for Timestamp {
    fn instant(&self) -> Timestamp {
        *self
    }
}

impl<T: Instant + ?Sized> Instant for &T {
    fn instant(&self) -> Timestamp {
        (**self).instant()
    }
}

/// Currencies as templates pass them.
pub trait Unit {
    fn unit(&self) -> Currency;
}

impl Unit for Currency {
    fn unit(&self) -> Currency {
        *self
    }
}

impl<T: Unit + ?Sized> Unit for &T {
    fn unit(&self) -> Currency {
        (**self).unit()
    }
}

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
    Connections,
    Failures,
    Webhooks,
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
    /// Seconds after which a page without script loads itself again.
    pub refresh: Option<u32>,
}

impl Shell {
    #[must_use]
    pub fn t(&self, key: &str) -> &'static str {
        self.lang.t(key)
    }

    /// Text of a key made of a fixed part and a word from data; the word itself when unknown.
    #[must_use]
    pub fn word<'a>(&self, prefix: &str, word: &'a str) -> &'a str
    where
        'static: 'a,
    {
        self.lang.find(&format!("{prefix}.{word}")).unwrap_or(word)
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

    #[must_use]
    pub fn n(&self, key: &str, number: impl Num) -> String {
        self.lang.n(key, number)
    }

    #[must_use]
    pub fn n1(&self, key: &str, number: impl Num, more: impl fmt::Display) -> String {
        self.lang.count(key, number.num(), &[&more.to_string()])
    }

    #[must_use]
    pub fn f1(&self, key: &str, a: impl fmt::Display) -> String {
        self.lang.fill(key, &[&a.to_string()])
    }

    #[must_use]
    pub fn f2(&self, key: &str, a: impl fmt::Display, b: impl fmt::Display) -> String {
        self.lang.fill(key, &[&a.to_string(), &b.to_string()])
    }

    #[must_use]
    pub fn f3(&self, key: &str, a: impl fmt::Display, b: impl fmt::Display, c: impl fmt::Display) -> String {
        self.lang.fill(key, &[&a.to_string(), &b.to_string(), &c.to_string()])
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
        Markup(format!("{}{unit}", escape(&value)))
    }

    #[must_use]
    pub fn today(&self) -> jiff::civil::Date {
        self.now.zoned(&self.zone).date()
    }

    /// `11/20`, with the year when it is another one.
    #[must_use]
    pub fn day(&self, date: &str) -> String {
        format::parse_date(date).map_or_else(|| date.to_owned(), |d| format::date_short(d, self.today(), self.lang))
    }

    /// `2026/11/20`.
    #[must_use]
    pub fn day_full(&self, date: &str) -> String {
        format::parse_date(date).map_or_else(|| date.to_owned(), |d| format::date_full(d, self.lang))
    }

    /// `今日`, `3日前`, then the date.
    #[must_use]
    pub fn day_ago(&self, date: &str) -> String {
        let Some(d) = format::parse_date(date) else { return date.to_owned() };
        format::days_ago(d, self.today(), self.lang).unwrap_or_else(|| format::date_short(d, self.today(), self.lang))
    }

    /// Days since a business date, for tints.
    #[must_use]
    pub fn quiet_days(&self, date: &str) -> i64 {
        format::parse_date(date).map_or(0, |d| format::days_between(d, self.today()))
    }

    /// Heading of a day in the history: `11月20日(金)・今日`.
    #[must_use]
    pub fn day_heading(&self, date: &str) -> String {
        let Some(d) = format::parse_date(date) else { return date.to_owned() };
        let heading = format::date_weekday(d, self.today(), self.lang);
        match format::days_between(d, self.today()) {
            days @ 0..=1 => {
                let word = self.t(if days == 0 { "time.today" } else { "time.yesterday" });
                self.f2("time.heading", heading, word)
            }
            _ => heading,
        }
    }

    fn local(&self, at: Timestamp) -> jiff::Zoned {
        at.zoned(&self.zone)
    }

    fn exact(&self, at: Timestamp) -> String {
        let local = self.local(at);
        let date = format::date_full(local.date(), self.lang);
        format!("{date} {} {}", local.strftime("%H:%M:%S"), local.strftime("%Z"))
    }

    fn time_element(&self, at: Timestamp, text: &str) -> Markup {
        Markup(format!(
            "<time datetime=\"{}\" title=\"{}\">{}</time>",
            at.rfc3339(),
            escape(&self.exact(at)),
            escape(text)
        ))
    }

    /// `2分前`, then the date; the exact instant is its title.
    #[must_use]
    pub fn ago(&self, at: impl Instant) -> Markup {
        let at = at.instant();
        let text = format::ago(at, self.now, self.lang)
            .unwrap_or_else(|| format::date_short(self.local(at).date(), self.today(), self.lang));
        self.time_element(at, &text)
    }

    /// `3分後`.
    #[must_use]
    pub fn until(&self, at: impl Instant) -> Markup {
        self.time_element(at.instant(), &format::until(at.instant(), self.now, self.lang))
    }

    /// `09:42`.
    #[must_use]
    pub fn clock(&self, at: impl Instant) -> Markup {
        let at = at.instant();
        self.time_element(at, &self.local(at).strftime("%H:%M").to_string())
    }

    /// `10:00` today, `11/18 10:00` on other days.
    #[must_use]
    pub fn when(&self, at: impl Instant) -> Markup {
        let at = at.instant();
        let local = self.local(at);
        let clock = local.strftime("%H:%M").to_string();
        let text = if local.date() == self.today() {
            clock
        } else {
            format!("{} {clock}", format::date_short(local.date(), self.today(), self.lang))
        };
        self.time_element(at, &text)
    }

    /// Date and time in full.
    #[must_use]
    pub fn at(&self, at: impl Instant) -> Markup {
        let at = at.instant();
        let local = self.local(at);
        let text = format!("{} {}", format::date_full(local.date(), self.lang), local.strftime("%H:%M"));
        self.time_element(at, &text)
    }

    #[must_use]
    pub fn duration(&self, micros: impl Num) -> String {
        format::duration(micros.num(), self.lang)
    }

    /// Length of time between two instants.
    #[must_use]
    pub fn span(&self, from: impl Instant, to: impl Instant) -> String {
        format::duration(to.instant().since(from.instant()), self.lang)
    }

    #[must_use]
    pub fn asset(&self, name: &str) -> String {
        assets::url(name)
    }

    #[must_use]
    pub fn icon(&self, name: &str) -> Markup {
        self.icon_of(name, "i")
    }

    /// The small icon.
    #[must_use]
    pub fn icon_s(&self, name: &str) -> Markup {
        self.icon_of(name, "i i-s")
    }

    fn icon_of(&self, name: &str, class: &str) -> Markup {
        let url = assets::url("icons.svg");
        Markup(format!("<svg class=\"{class}\" aria-hidden=\"true\"><use href=\"{url}#{}\"/></svg>", escape(name)))
    }

    /// The letter tile of a source. `size` is empty, `l` or `xl`.
    #[must_use]
    pub fn tile(&self, kind: &str, name: &str, size: &str) -> Markup {
        let (class, known) = tile_class(kind);
        let letter = self.t(&format!("tile.{known}.letter"));
        let name = escape(if name.is_empty() { self.t(&format!("tile.{known}.name")) } else { name });
        Markup(format!(
            "<span class=\"src {class} {size}\" role=\"img\" aria-label=\"{name}\" title=\"{name}\">{letter}</span>"
        ))
    }

    /// Name of a kind of source.
    #[must_use]
    pub fn tile_name(&self, kind: &str) -> &'static str {
        self.t(&format!("tile.{}.name", tile_class(kind).1))
    }

    /// Badge with the health of a customer.
    #[must_use]
    pub fn health(&self, health: &Health) -> Markup {
        self.badge(status::health_class(health), status::health_icon(health), self.t(status::health_key(*health)))
    }

    /// A pill: icon and word on a soft background.
    #[must_use]
    pub fn badge(&self, class: &str, icon: &str, text: &str) -> Markup {
        Markup(format!("<span class=\"bdg {class}\">{}{}</span>", self.icon(icon), escape(text)))
    }

    /// The state of a connection or run as a pill.
    #[must_use]
    pub fn state(&self, state: &State) -> Markup {
        let class = match state.now.class() {
            "run" => "info",
            class => class,
        };
        self.with_before(self.badge(class, state.now.icon(), &self.state_text(state.now)), state)
    }

    /// The state of a stream or run inside a table: icon and word without background.
    #[must_use]
    pub fn state_line(&self, state: &State) -> Markup {
        let (class, icon) = (state.now.class(), self.icon(state.now.icon()));
        let text = escape(&self.state_text(state.now));
        self.with_before(Markup(format!("<span class=\"st {class}\">{icon}{text}</span>")), state)
    }

    fn state_text(&self, status: Status) -> String {
        match status.retry_at() {
            Some(at) => self.f2("status.retry_at", self.t(status.key()), format::until(at, self.now, self.lang)),
            None => self.t(status.key()).to_owned(),
        }
    }

    fn with_before(&self, markup: Markup, state: &State) -> Markup {
        match state.before {
            Some(before) => {
                let text = self.f1("status.before", self.t(before.key()));
                Markup(format!("{markup}<span class=\"before\">{}</span>", escape(&text)))
            }
            None => markup,
        }
    }

    /// The hidden field that every unsafe form carries.
    #[must_use]
    pub fn csrf(&self) -> Markup {
        let token = self.me.as_ref().map_or("", |me| &me.csrf);
        Markup(format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", escape(token)))
    }

    /// First letter of a name, for the round avatar.
    #[must_use]
    pub fn initial(&self, name: &str) -> String {
        name.chars().next().map(String::from).unwrap_or_default()
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

    /// The menu of this reader; what the role may not use is absent.
    #[must_use]
    pub fn nav(&self) -> Vec<NavItem> {
        let item = |href, key, icon, section, count, group| NavItem {
            href,
            key,
            icon,
            current: self.section == section,
            count,
            hot: false,
            group,
        };
        let mut nav = vec![
            item("/", "nav.home", "home", Section::Home, None, None),
            item("/customers", "nav.customers", "people", Section::Customers, self.customers, None),
        ];
        if self.is_admin() {
            let group = Some("nav.group_sync");
            nav.push(item("/connections", "nav.connections", "plug", Section::Connections, self.connections, group));
        }
        if self.is_steward() {
            let count = (self.open_failures > 0).then_some(self.open_failures);
            let group = (!self.is_admin()).then_some("nav.group_sync");
            let failures = item("/failures", "nav.failures", "inbox", Section::Failures, count, group);
            nav.push(NavItem { hot: true, ..failures });
        }
        if self.is_admin() {
            nav.push(item("/webhooks", "nav.webhooks", "hook", Section::Webhooks, None, None));
            let group = Some("nav.group_admin");
            nav.push(item("/settings", "nav.settings", "gear", Section::Settings, None, group));
        }
        nav
    }
}

/// Style class and catalogue name of a tile kind; unknown kinds look generic.
fn tile_class(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "sales" => ("sales", "sales"),
        "accounting" => ("acct", "accounting"),
        "deals" => ("deal", "deals"),
        "sheet" => ("sheet", "sheet"),
        "bi" => ("bi", "bi"),
        "hub" => ("hub", "hub"),
        _ => ("hub", "generic"),
    }
}
