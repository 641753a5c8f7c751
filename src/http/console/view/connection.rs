//! `/connections` and `/connections/{id}`: which systems are connected and how each one is doing.

use super::{run::Progress, status::State};
use crate::{
    http::console::{
        Shell,
        chart::{self, Bar, Frame},
        markup::Markup,
        view::format,
    },
    model::Timestamp,
};

/// One connected system in the list. Sorted worst first by whoever fills it.
#[derive(Clone, Debug)]
pub struct ConnectionRow {
    pub id: String,
    pub name: String,
    /// Tile kind of the `connection` row.
    pub kind: String,
    /// Names of the streams that are on: `customers`, `orders` …
    pub streams: Vec<String>,
    pub state: State,
    /// Failures waiting for a person.
    pub open_failures: i64,
    pub last_ok_at: Option<Timestamp>,
    pub sample: bool,
}

/// One connector of the catalogue; only ones that exist.
#[derive(Clone, Debug)]
pub struct ConnectorCard {
    /// Manifest name, part of the address.
    pub name: String,
    pub title: String,
    pub kind: String,
    /// What it brings, one sentence in the reader's language.
    pub description: String,
    pub pulls: bool,
    pub pushes: bool,
    pub webhook: bool,
    /// `none`, `api_key`, `basic`, `bearer`, `oauth2`.
    pub auth: String,
    /// How often it is connected already.
    pub in_use: i64,
}

/// `/connections`.
#[derive(Clone, Debug)]
pub struct ConnectionsPage {
    pub rows: Vec<ConnectionRow>,
    pub catalogue: Vec<ConnectorCard>,
}

/// Page of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Overview,
    /// A page of its own.
    Mapping,
    Runs,
    Failures,
    Webhook,
    Push,
    Settings,
}

impl Tab {
    pub const EVERY: [Self; 7] =
        [Self::Overview, Self::Mapping, Self::Runs, Self::Failures, Self::Webhook, Self::Push, Self::Settings];

    /// Value of `?tab=`.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Mapping => "mapping",
            Self::Runs => "runs",
            Self::Failures => "failures",
            Self::Webhook => "webhook",
            Self::Push => "push",
            Self::Settings => "settings",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::EVERY.into_iter().find(|tab| tab.value() == text && *tab != Self::Mapping).unwrap_or_default()
    }

    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Overview => "connection.tab_overview",
            Self::Mapping => "connection.tab_mapping",
            Self::Runs => "connection.tab_runs",
            Self::Failures => "connection.tab_failures",
            Self::Webhook => "connection.tab_webhook",
            Self::Push => "push.title",
            Self::Settings => "connection.tab_settings",
        }
    }
}

/// What a system is told of customers.
#[derive(Clone, Debug)]
pub struct PushInfo {
    /// `off`, `changes` or `all`.
    pub mode: String,
    /// It does not answer, and is tried again then.
    pub rests_until: Option<Timestamp>,
    pub delivered: i64,
    pub waiting: i64,
    pub dead: i64,
    /// What is not done, the given-up ones first.
    pub rows: Vec<PushRow>,
}

/// A customer on its way to a system.
#[derive(Clone, Debug)]
pub struct PushRow {
    pub customer_id: String,
    pub name: String,
    /// `pending`, `retrying` or `dead`.
    pub state: String,
    pub cause: Option<String>,
    pub attempts: i64,
    pub at: Timestamp,
}

/// One kind of record in this connection.
#[derive(Clone, Debug)]
pub struct StreamRow {
    /// `customers`, `orders` …
    pub name: String,
    pub state: State,
    /// Records known; `None` for excluded streams.
    pub total: Option<i64>,
    /// New and updated since midnight of the organisation.
    pub changed_today: Option<i64>,
    pub open_failures: i64,
    /// Change time of the newest record.
    pub latest_at: Option<Timestamp>,
    /// Cursor as people may read it, already shortened.
    pub cursor: Option<String>,
}

/// One finished or running run.
#[derive(Clone, Debug)]
pub struct RunRow {
    pub id: String,
    pub number: i64,
    pub started_at: Timestamp,
    /// `schedule`, `manual`, `webhook`, `replay` or `catch_up`.
    pub trigger: String,
    pub actor: Option<String>,
    pub state: State,
    /// Stable cause code of a failed run.
    pub cause: Option<String>,
    pub new: i64,
    pub updated: i64,
    pub failed: i64,
    /// Microseconds; `None` while running.
    pub took: Option<i64>,
}

/// Records taken in during half an hour.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    pub from: Timestamp,
    pub records: i64,
    /// Worst result in it: `bar` (good), `warn` or `bad`.
    pub class: &'static str,
}

/// Something that needs a person, shown first on the right.
#[derive(Clone, Debug)]
pub struct Attention {
    /// `bad` or `warn`.
    pub tone: &'static str,
    pub title: String,
    pub text: String,
    /// Address and words of the way out.
    pub link: Option<(String, String)>,
    /// Address and words of a button that decides.
    pub button: Option<(String, String)>,
}

/// One point of a connection check: `reach`, `auth`, `scopes`, `version`, `counts`.
#[derive(Clone, Debug)]
pub struct Check {
    pub name: String,
    /// `None`: not reached because an earlier one failed.
    pub ok: Option<bool>,
    /// What was found, or cause and fix, in the reader's words.
    pub detail: String,
    /// What the other side or the network said, as it is.
    pub technical: Option<String>,
}

/// One setting as shown; secrets only say that they are set.
#[derive(Clone, Debug)]
pub struct SettingRow {
    pub title: String,
    pub value: String,
    /// Write-only value: when it was set.
    pub secret_set: Option<bool>,
}

/// What is known about inbound webhooks of this connection.
#[derive(Clone, Debug, Default)]
pub struct HookInfo {
    pub url: String,
    /// `hmac_sha256`, `none` …, in words.
    pub signature: String,
    pub last_at: Option<Timestamp>,
    pub received_24h: i64,
    pub refused_24h: i64,
    pub command: String,
}

/// `/connections/{id}`.
#[derive(Clone, Debug)]
pub struct ConnectionPage {
    pub id: String,
    pub name: String,
    pub kind: String,
    /// Connector title, account, direction, schedule: shown joined by ・.
    pub facts: Vec<String>,
    pub state: State,
    pub paused: bool,
    pub sample: bool,
    /// There is something to pull; otherwise it only receives.
    pub pulls: bool,
    pub tab: Tab,
    pub runs_total: i64,
    pub open_failures: i64,
    /// The run in progress.
    pub running: Option<Progress>,
    pub streams: Vec<StreamRow>,
    /// 48 half hours, oldest first; empty: nothing to draw.
    pub buckets: Vec<Bucket>,
    pub runs: Vec<RunRow>,
    /// Address of older runs.
    pub runs_more: Option<String>,
    pub attention: Vec<Attention>,
    pub level: super::sync_health::LevelShown,
    pub settings: Vec<SettingRow>,
    pub next_at: Option<Timestamp>,
    pub hook: Option<HookInfo>,
    /// What it is told; `None`: it cannot be told anything.
    pub push: Option<PushInfo>,
    pub checks: Vec<Check>,
    pub checked_at: Option<Timestamp>,
    /// Failures of this connection by cause: code, count.
    pub causes: Vec<(String, i64)>,
    /// `musubi …` that does the same as the primary button.
    pub command: String,
}

impl ConnectionPage {
    #[must_use]
    pub fn tabs(&self) -> Vec<(Tab, Option<i64>)> {
        Tab::EVERY
            .into_iter()
            .filter(|tab| *tab != Tab::Webhook || self.hook.is_some())
            .filter(|tab| *tab != Tab::Push || self.push.is_some())
            .map(|tab| {
                let count = match tab {
                    Tab::Runs => Some(self.runs_total),
                    Tab::Failures => Some(self.open_failures),
                    _ => None,
                };
                (tab, count)
            })
            .collect()
    }

    #[must_use]
    pub fn tab_href(&self, tab: &Tab) -> String {
        match tab.value() {
            "" => format!("/connections/{}", self.id),
            "mapping" => format!("/connections/{}/mapping", self.id),
            value => format!("/connections/{}?tab={value}", self.id),
        }
    }

    /// Where targets and notices are set.
    #[must_use]
    pub fn watch_href(&self) -> String {
        format!("/connections/{}/watch", self.id)
    }

    #[must_use]
    pub fn shows(&self, tab: &str) -> bool {
        self.tab.value() == tab
    }

    #[must_use]
    pub fn chart(&self, s: &Shell) -> Markup {
        let bars: Vec<Bar> = self
            .buckets
            .iter()
            .map(|bucket| Bar {
                label: bucket.from.zoned(&s.zone).strftime("%H:%M").to_string(),
                value: bucket.records,
                before: None,
                class: bucket.class,
            })
            .collect();
        let frame = Frame { width: 640.0, height: 150.0, left: 40.0, every: 8, extremes: false };
        let total: i64 = self.buckets.iter().map(|b| b.records).sum();
        chart::bars(&bars, frame, s.t("connection.chart"), &s.n("connection.chart_summary", total), format::group)
    }

    /// How many half hours had this result.
    #[must_use]
    pub fn buckets_of(&self, class: &str) -> usize {
        self.buckets.iter().filter(|bucket| bucket.records > 0 && bucket.class == class).count()
    }
}
