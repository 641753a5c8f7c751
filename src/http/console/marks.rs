//! Icons, tiles, badges and the hidden form field: small markup that every page uses.

use super::{
    assets,
    markup::{Markup, escape},
    shell::Shell,
    view::{
        format,
        status::{self, State, Status},
    },
};
use crate::{analytics::Health, model::Shown};

impl Shell {
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
        Markup::new(format!("<svg class=\"{class}\" aria-hidden=\"true\"><use href=\"{url}#{}\"/></svg>", escape(name)))
    }

    /// The letter tile of a source. `size` is empty, `l` or `xl`.
    #[must_use]
    pub fn tile(&self, kind: &str, name: &str, size: &str) -> Markup {
        let (class, known) = tile_class(kind);
        let letter = self.t(&format!("tile.{known}.letter"));
        let name = escape(if name.is_empty() { self.t(&format!("tile.{known}.name")) } else { name });
        Markup::new(format!(
            "<span class=\"src {class} {size}\" role=\"img\" aria-label=\"{name}\" title=\"{name}\">{letter}</span>"
        ))
    }

    /// Name of a kind of source.
    #[must_use]
    pub fn tile_name(&self, kind: &str) -> &'static str {
        self.t(&format!("tile.{}.name", tile_class(kind).1))
    }

    /// In the place of a value that the reader may not see.
    #[must_use]
    pub fn masked(&self) -> Markup {
        let why = escape(self.t("masked.text"));
        Markup::new(format!(
            "<span class=\"muted\" title=\"{why}\"><span aria-hidden=\"true\">•••</span><span class=\"vh\">{why}</span></span>"
        ))
    }

    /// A value, a dash where there is none, or that it is hidden.
    #[must_use]
    pub fn shown(&self, value: &Option<Shown>) -> Markup {
        match value {
            None => Markup::new("—".to_owned()),
            Some(Shown::Clear(text)) => Markup::new(escape(text)),
            Some(Shown::Hidden) => self.masked(),
        }
    }

    /// Badge with the health of a customer.
    #[must_use]
    pub fn health(&self, health: &Health) -> Markup {
        self.badge(status::health_class(health), status::health_icon(health), self.t(status::health_key(*health)))
    }

    /// A pill: icon and word on a soft background.
    #[must_use]
    pub fn badge(&self, class: &str, icon: &str, text: &str) -> Markup {
        Markup::new(format!("<span class=\"bdg {class}\">{}{}</span>", self.icon(icon), escape(text)))
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
        self.with_before(Markup::new(format!("<span class=\"st {class}\">{icon}{text}</span>")), state)
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
                Markup::new(format!("{markup}<span class=\"before\">{}</span>", escape(&text)))
            }
            None => markup,
        }
    }

    /// The hidden field that every unsafe form carries.
    #[must_use]
    pub fn csrf(&self) -> Markup {
        let token = self.me.as_ref().map_or("", |me| &me.csrf);
        Markup::new(format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", escape(token)))
    }

    /// First letter of a name, for the round avatar.
    #[must_use]
    pub fn initial(&self, name: &str) -> String {
        name.chars().next().map(String::from).unwrap_or_default()
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
