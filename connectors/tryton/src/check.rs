//! The connection check: what a sync would do, without its effects, one line per question.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use musubi_sdk::{CheckItem, SourceError};
use serde_json::json;

use crate::{Plan, Tryton, domain::all, fields::Known, missing, shape::truthy, source::Source};

/// A clock that is further off confuses people who compare times; the pull itself uses Tryton's.
const CLOSE: SignedDuration = SignedDuration::from_secs(60);

impl Tryton {
    pub(crate) async fn probe(&self) -> Vec<CheckItem> {
        let (mut items, listing) = match self.rest.knock().await {
            Ok(listing) => (vec![good("reach", "Tryton answers"), good("auth", "the key is accepted")], listing),
            Err(error) => return refusal(&error),
        };
        let known = match self.known(true).await {
            Ok(known) => known,
            Err(error) => {
                items.push(bad("rights", &error));
                return items;
            }
        };
        let plans: Vec<Plan> = self.sources().map(|source| self.plan_of(source, known.clone())).collect();
        items.extend(self.rights(&plans, &known).await);
        items.push(self.lock_line().await);
        items.extend(self.company_line(&plans).await);
        if let Some(version) = self.rest.version().await {
            items.push(good("version", &format!("Tryton {version}")));
        }
        items.extend(listing.date.map(clock));
        for plan in plans.iter().filter(|plan| known.has_model(plan.source.model)) {
            let count = self.rest.count(plan.source.model, &all(self.domain(plan))).await;
            if let Ok(Some(count)) = count {
                items.push(good(&format!("count:{}", plan.source.stream), &count.to_string()));
            }
        }
        items
    }

    /// One line for all streams that can be read, one for each that cannot.
    async fn rights(&self, plans: &[Plan], known: &Arc<Known>) -> Vec<CheckItem> {
        let models: BTreeSet<&str> =
            plans.iter().flat_map(Plan::models).filter(|model| known.has_model(model)).collect();
        let access = match self.rest.ask("ir.model.access", "get_access", &json!({ "models": models })).await {
            Ok(access) => access,
            Err(error) => return vec![bad("rights", &error)],
        };
        let may = |model: &str, what: &str| truthy(&access[model][what]);
        let mut items = Vec::new();
        let mut readable = Vec::new();
        for plan in plans {
            match plan.hindrance(|model| may(model, "read")) {
                None => readable.push(plan.source.stream),
                Some(error) => items.push(bad(&format!("rights:{}", plan.source.stream), &error)),
            }
        }
        let shown = plans.iter().filter(|plan| readable.contains(&plan.source.stream)).flat_map(Plan::models);
        let hidden: BTreeSet<&str> = shown.filter(|model| known.has_model(model) && !may(model, "read")).collect();
        let mut detail = format!("readable: {}", readable.join(", "));
        if !hidden.is_empty() {
            detail.push_str(&format!(
                "; left out because they may not be read: {}",
                hidden.into_iter().collect::<Vec<_>>().join(", ")
            ));
        }
        if !readable.is_empty() {
            items.insert(0, good("rights", &detail));
        }
        let write = if may("party.party", "write") { "the key may also change parties" } else { "the key only reads" };
        items.push(good("write", write));
        items
    }

    /// Which of the two ways of writing is in force, and whether it works.
    async fn lock_line(&self) -> CheckItem {
        let Some(desk) = &self.desk else {
            let detail = "without a lock: no user and password are given, so a party is read just before it is written";
            return good("lock", detail);
        };
        match desk.try_out().await {
            Ok(()) => good("lock", "changes of parties are locked, through JSON-RPC: user and password are accepted"),
            Err(error) => bad("lock", &error),
        }
    }

    /// A user without a company sees no document of any, and no error either.
    async fn company_line(&self, plans: &[Plan]) -> Option<CheckItem> {
        if !plans.iter().any(|plan| plan.source.has_company && plan.known.has_model(plan.source.model)) {
            return None;
        }
        let context = json!({ "context_only": true });
        let preferences = self.rest.ask("res.user", "get_preferences", &context).await.ok()?;
        let listed = preferences["companies"].as_array()?;
        let own = preferences["company"].as_i64();
        let sees_all = preferences["company_filter"] == "all";
        let wrong = match (self.company, own) {
            (Some(company), _) if !listed.iter().any(|one| one.as_i64() == Some(company)) => {
                format!("the key's user does not belong to company {company}")
            }
            (Some(company), own) if own != Some(company) && !sees_all => {
                format!(
                    "the key's user works for another company than {company}: change their current company, or show them all"
                )
            }
            (None, None) if !sees_all => {
                "the key's user has no current company: sales, invoices and journal lines stay hidden".to_owned()
            }
            _ => {
                let seen = if sees_all {
                    format!("{} companies", listed.len())
                } else {
                    format!("company {}", own.unwrap_or_default())
                };
                return Some(good("company", &seen));
            }
        };
        Some(bad("company", &SourceError::Auth { code: "AUTH_RIGHTS", detail: wrong }))
    }
}

impl Plan {
    /// Every model whose records are shown in those of the stream.
    fn models(&self) -> BTreeSet<&str> {
        let mut models = self.known.through(self.source.model, &self.fields);
        models.extend(self.parts.iter().map(|part| part.model));
        models
    }

    /// Why the stream cannot be read.
    fn hindrance(&self, may_read: impl Fn(&str) -> bool) -> Option<SourceError> {
        let Source { stream, model, needed, .. } = self.source;
        if !self.known.has_model(model) {
            return Some(missing(self.source));
        }
        let parts = needed.iter().filter(|(name, _)| self.asks(name)).map(|(_, model)| model);
        let refused: BTreeSet<&str> =
            std::iter::once(model).chain(parts).copied().filter(|model| !may_read(model)).collect();
        if refused.is_empty() {
            return None;
        }
        let refused = refused.into_iter().collect::<Vec<_>>().join(", ");
        let detail = format!(
            "the key's user may not read {refused}: give the right to one of their groups, or switch the stream {stream} off"
        );
        Some(SourceError::Auth { code: "AUTH_RIGHTS", detail })
    }
}

fn refusal(error: &SourceError) -> Vec<CheckItem> {
    match error {
        SourceError::Auth { .. } => vec![good("reach", "Tryton answers"), bad("auth", error)],
        _ => vec![bad("reach", error)],
    }
}

fn clock(theirs: Timestamp) -> CheckItem {
    #[expect(clippy::disallowed_methods, reason = "the question is how far the two clocks are apart")]
    let ours = std::time::SystemTime::now();
    let Ok(ours) = Timestamp::try_from(ours) else { return good("clock", "unknown") };
    let apart = ours.duration_since(theirs);
    let detail = if apart.abs() <= CLOSE {
        "Tryton's clock agrees with ours".to_owned()
    } else {
        let side = if apart.is_positive() { "behind" } else { "ahead of" };
        format!("Tryton's clock is {} s {side} ours", apart.abs().as_secs())
    };
    good("clock", &detail)
}

fn good(item: &str, detail: &str) -> CheckItem {
    CheckItem { item: item.to_owned(), ok: true, code: None, detail: detail.to_owned() }
}

fn bad(item: &str, error: &SourceError) -> CheckItem {
    CheckItem { item: item.to_owned(), ok: false, code: Some(error.code().to_owned()), detail: error.to_string() }
}
