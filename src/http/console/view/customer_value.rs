//! `/customers/{id}/values/{field}`: why a value is here.

use super::event_text::master_value;
use crate::{
    analytics::{
        customer::Trouble,
        why::{Moment, Offer, Why},
    },
    http::console::Shell,
    model::{Shown, money::Currency},
};

/// See the module.
#[derive(Clone, Debug)]
pub struct ValuePage {
    pub id: String,
    pub name: String,
    pub why: Why,
    /// The rule of the field's group in one sentence.
    pub rule: String,
    /// What sources said and could not be taken.
    pub warnings: Vec<Trouble>,
    pub currency: Currency,
}

impl ValuePage {
    #[must_use]
    pub fn href(&self) -> String {
        format!("/customers/{}/values/{}", self.id, self.why.field)
    }

    /// A value as pages write it; a dash for none.
    #[must_use]
    pub fn show(&self, s: &Shell, value: &Option<Shown>) -> String {
        match value {
            None => "—".to_owned(),
            Some(Shown::Hidden) => s.t("masked.inline").to_owned(),
            Some(Shown::Clear(value)) => master_value(s, &self.why.field, value, self.currency),
        }
    }

    #[must_use]
    pub fn offered(&self, s: &Shell, offer: &Offer) -> String {
        self.show(s, &Some(offer.value.clone()))
    }

    #[must_use]
    pub fn standing(&self, s: &Shell) -> String {
        self.show(s, &self.why.stands.as_ref().map(|stands| stands.value.clone()))
    }

    /// Why it is here, in one sentence.
    #[must_use]
    pub fn reason(&self, s: &Shell) -> String {
        let Some(stands) = &self.why.stands else {
            let key = if self.why.typed.is_some() { "value.typed_empty" } else { "value.nobody" };
            return s.t(key).to_owned();
        };
        let source = &stands.source.name;
        let next = self.why.offers.iter().find(|offer| !offer.stands).map(|offer| offer.source.name.as_str());
        match (stands.why.as_str(), next) {
            ("only_source", _) => s.f1("value.only_source", source),
            ("authority", Some(next)) => s.f2("value.authority", source, next),
            ("newest", Some(next)) => s.f2("value.newest", source, next),
            ("longest", Some(next)) => s.f2("value.longest", source, next),
            ("pinned", _) => s.f1("value.pinned", self.typist()),
            ("typed", _) => s.f1("value.typed", self.typist()),
            (why, _) => s.word("why", why).to_owned(),
        }
    }

    fn typist(&self) -> &str {
        self.why.typed.as_ref().map_or("", |typed| typed.actor.as_str())
    }

    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.why.typed.is_some()
    }

    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.why.typed.as_ref().is_some_and(|typed| typed.pinned)
    }

    /// The standing value, to be pinned; `None`: there is none, or it is pinned.
    #[must_use]
    pub fn pinnable(&self) -> Option<&str> {
        self.why.stands.as_ref().filter(|_| !self.is_pinned())?.value.clear()
    }

    /// Why an offer did not win.
    #[must_use]
    pub fn lost(&self, s: &Shell, offer: &Offer) -> &'static str {
        let Some(stands) = &self.why.stands else { return s.t("value.lost_typed") };
        if stands.value == offer.value {
            return s.t("value.same");
        }
        let best = self.why.offers.iter().find(|offer| offer.stands).map(|offer| offer.rank);
        match best {
            None => s.t("value.lost_typed"),
            Some(best) if offer.rank > best => s.t("value.lost_order"),
            Some(_) if stands.why == "longest" => s.t("value.lost_shorter"),
            Some(_) => s.t("value.lost_older"),
        }
    }

    /// Who made it so.
    #[must_use]
    pub fn maker(&self, s: &Shell, moment: &Moment) -> String {
        let who = moment.actor.clone().or_else(|| moment.source.as_ref().map(|source| source.name.clone()));
        let reason = s.word("change_reason", &moment.reason).to_owned();
        [who.filter(|who| !who.is_empty()), Some(reason)].into_iter().flatten().collect::<Vec<_>>().join(s.t("sep"))
    }
}
