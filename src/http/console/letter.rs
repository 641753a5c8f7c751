//! Mails in words. Plain text: every link stands there as it is.

use std::fmt::Write;

use jiff::tz::TimeZone;

use super::{
    catalogue::Lang,
    view::{device, format},
};
use crate::{
    mail::{Item, Letter, Problem, What, Written},
    model::Timestamp,
};

/// Puts a letter into words; see [`crate::mail::Writer`].
#[must_use]
pub fn write(letter: &Letter, language: &str, public_url: &str) -> Written {
    let words = Words { lang: Lang::parse(language), letter, hub: public_url };
    let (subject, body) = match &letter.what {
        What::Test => (words.t("mail.test_subject"), words.lang.t("mail.test_body").to_owned()),
        What::Invitation { inviter, link, until, account } => words.invitation(inviter, link, *until, *account),
        What::Alerts { items } => words.alerts(items),
        What::Problems { items } => words.problems(items),
        What::FactorRemoved { at } => {
            let said = words.lang.fill("mail.factor_removed_body", &[&words.at(*at)]);
            (words.t("mail.factor_removed_subject"), words.not_you(&said))
        }
        What::RecoveryCode { at, left } => {
            let said = words.lang.fill("mail.recovery_code_body", &[&words.at(*at), &left.to_string()]);
            (words.t("mail.recovery_code_subject"), words.not_you(&said))
        }
        What::NewDevice { at, agent, ip } => {
            let device = device::name(words.lang, Some(agent));
            let ip = ip.as_deref().unwrap_or("—");
            let said = words.lang.fill("mail.new_device_body", &[&words.at(*at), &device, ip]);
            (words.t("mail.new_device_subject"), words.not_you(&said))
        }
        What::PassphraseChanged { at } => {
            let said = words.lang.fill("mail.passphrase_changed_body", &[&words.at(*at)]);
            (words.t("mail.passphrase_changed_subject"), words.not_you(&said))
        }
        What::PasskeyAdded { at, label } => {
            let said = words.lang.fill("mail.passkey_added_body", &[&words.at(*at), label]);
            (words.t("mail.passkey_added_subject"), words.not_you(&said))
        }
    };
    Written { subject: words.named(&subject), body: format!("{body}\n\n-- \n{}\n", words.foot()) }
}

struct Words<'a> {
    lang: Lang,
    letter: &'a Letter,
    hub: &'a str,
}

impl Words<'_> {
    fn t(&self, key: &str) -> String {
        self.lang.t(key).to_owned()
    }

    /// The company first: who has several hubs knows which one writes.
    fn named(&self, subject: &str) -> String {
        let company = &self.letter.company;
        if company.is_empty() { subject.to_owned() } else { self.lang.fill("mail.subject", &[company, subject]) }
    }

    fn foot(&self) -> String {
        let company = &self.letter.company;
        let product = self.lang.t("product");
        let name = if company.is_empty() { product.to_owned() } else { format!("{company} {product}") };
        format!("{name}\n{}\n{}", self.hub, self.lang.t("mail.foot"))
    }

    /// `2026/11/20 09:42 Asia/Tokyo`
    fn at(&self, micros: i64) -> String {
        let zone = TimeZone::get(&self.letter.zone).unwrap_or(TimeZone::UTC);
        let name = zone.iana_name().unwrap_or("UTC").to_owned();
        let Ok(at) = jiff::Timestamp::from_microsecond(micros) else { return String::new() };
        let local = at.to_zoned(zone);
        format!("{} {:02}:{:02} {name}", format::date_full(local.date(), self.lang), local.hour(), local.minute())
    }

    fn invitation(&self, inviter: &str, link: &str, until: i64, account: bool) -> (String, String) {
        let company = if self.letter.company.is_empty() { self.lang.t("product") } else { &self.letter.company };
        let who = if inviter.is_empty() {
            self.lang.fill("mail.invited", &[company])
        } else {
            self.lang.fill("mail.invited_by", &[inviter, company])
        };
        let how = self.lang.t(if account { "mail.invitation_link" } else { "mail.invitation_how" });
        let rules = self.lang.fill("mail.invitation_rules", &[&self.at(until)]);
        let body = format!("{who}\n\n{how}\n{link}\n\n{rules}\n{}", self.lang.t("mail.invitation_ignore"));
        (self.t("mail.invitation_subject"), body)
    }

    fn alerts(&self, items: &[Item]) -> (String, String) {
        let subject = match items {
            [one] => self.lang.t(&format!("alert.{}", one.kind)).to_owned(),
            many => self.lang.n("mail.alerts_subject", many.len()),
        };
        let mut body = self.t("mail.alerts_body");
        for item in items {
            let what = self.lang.t(&format!("alert.{}", item.kind));
            let _ = write!(body, "\n\n* {what}: {}\n  {}", item.name, self.at(item.at));
            if item.times > 1 {
                let _ = write!(body, "{}{}", self.lang.t("sep"), self.lang.count("mail.alert_times", item.times, &[]));
            }
            let _ =
                write!(body, "\n  {}\n  {}{}", self.lang.t(&format!("alert_todo.{}", item.kind)), self.hub, item.path);
        }
        let _ = write!(body, "\n\n{}\n{}/me", self.lang.t("mail.alerts_off"), self.hub);
        (subject, body)
    }

    fn problems(&self, items: &[Problem]) -> (String, String) {
        let subject = match items {
            [one] => {
                self.lang.fill(&format!("problem_mail.{}_subject", one.phase), &[&one.name, &self.problem(&one.kind)])
            }
            many => self.lang.n("problem_mail.subject", many.len()),
        };
        let mut body = String::new();
        for item in items {
            let phase = self.lang.t(&format!("problem_mail.{}", item.phase));
            let _ = write!(body, "* {}: {}\n  {phase} {}", item.name, self.problem(&item.kind), self.at(item.begun_at));
            for fact in self.facts(&item.facts) {
                let _ = write!(body, "\n  {fact}");
            }
            if item.phase != "ended" {
                let _ = write!(body, "\n  {}", self.lang.t(&format!("problem_todo.{}", item.kind)));
            }
            let _ = write!(body, "\n  {}{}\n\n", self.hub, item.path);
        }
        let _ = write!(body, "{}", self.lang.t("problem_mail.off"));
        (subject, body)
    }

    fn problem(&self, kind: &str) -> String {
        self.lang.t(&format!("problem_short.{kind}")).to_owned()
    }

    /// What is known of a problem, a line each.
    fn facts(&self, facts: &serde_json::Value) -> Vec<String> {
        let number = |name: &str| facts.get(name).and_then(serde_json::Value::as_i64);
        let length = |name: &str| number(name).map(|seconds| format::length(seconds * Timestamp::SECOND, self.lang));
        let text = |name: &str| facts.get(name).and_then(serde_json::Value::as_str);
        let mut lines = Vec::new();
        if let Some(code) = text("cause") {
            lines.push(self.lang.find(&format!("cause.{code}.title")).unwrap_or(code).to_owned());
        }
        lines.extend(number("records").map(|n| self.lang.n("problem_mail.records", n)));
        if let (Some(age), Some(target)) = (length("age"), length("target")) {
            lines.push(self.lang.fill("problem_mail.age", &[&age, &target]));
        }
        lines.extend(number("budget_left").map(|left| self.lang.fill("problem_mail.budget", &[&left.to_string()])));
        lines.extend(number("budget_ends_in_days").map(|days| self.lang.n("problem_mail.budget_ends", days)));
        if let Some(end) = text("ends_at").and_then(|at| at.parse::<jiff::Timestamp>().ok()) {
            lines.push(self.lang.fill("problem_mail.ends", &[&self.at(end.as_microsecond())]));
        }
        let fields = facts.get("fields").and_then(serde_json::Value::as_array).into_iter().flatten();
        lines.extend(fields.filter_map(|field| Some(self.lang.fill("problem_mail.field", &[field.as_str()?]))));
        lines
    }

    /// A notice about one's own account, and what to do if it was somebody else.
    fn not_you(&self, said: &str) -> String {
        format!("{said}\n\n{}\n{}/me", self.lang.t("mail.not_you"), self.hub)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::alert::Kind;

    fn letter(what: What) -> Letter {
        Letter { company: "ひのき精機株式会社".into(), zone: "Asia/Tokyo".into(), what }
    }

    fn item(kind: Kind) -> Item {
        let (name, path) = ("高梨 拓".into(), "/admin/users/usr_1".into());
        Item { kind: kind.as_str().into(), name, path, at: 1_790_000_000_000_000, times: 2 }
    }

    fn problem(kind: &str, phase: &str) -> Problem {
        Problem {
            kind: kind.into(),
            phase: phase.into(),
            name: "会計システム".into(),
            path: "/connections/con_2".into(),
            begun_at: 1_790_000_000_000_000,
            facts: serde_json::json!({"cause": "SRC_TIMEOUT", "records": 8, "age": 93_600, "target": 1_800,
                "budget_left": 18, "budget_ends_in_days": 4, "ends_at": "2026-11-26T00:00:00Z",
                "fields": ["invoices.tax_code"]}),
        }
    }

    #[test]
    fn every_mail_has_words_in_both_languages() {
        let link = "https://hub.example/invitation?token=x".to_owned();
        let whats = [
            What::Test,
            What::Invitation {
                inviter: "高梨 拓".into(),
                link: link.clone(),
                until: 1_790_000_000_000_000,
                account: false,
            },
            What::Invitation { inviter: String::new(), link: link.clone(), until: 0, account: true },
            What::Alerts { items: Kind::ALL.map(item).to_vec() },
            What::Alerts { items: vec![item(Kind::OwnerNew)] },
            What::Problems { items: vec![problem("late", "begun")] },
            What::Problems {
                items: ["needs_action", "late", "budget", "credentials", "schema", "test"]
                    .into_iter()
                    .flat_map(|kind| ["begun", "lasting", "ended"].map(|phase| problem(kind, phase)))
                    .collect(),
            },
            What::FactorRemoved { at: 0 },
            What::RecoveryCode { at: 0, left: 3 },
            What::NewDevice { at: 0, agent: "curl/8.5.0".into(), ip: Some("192.0.2.7".into()) },
            What::NewDevice { at: 0, agent: String::new(), ip: None },
            What::PassphraseChanged { at: 0 },
            What::PasskeyAdded { at: 0, label: "社用PC".into() },
        ];
        for what in whats {
            let invitation = matches!(what, What::Invitation { .. });
            for language in ["ja", "en"] {
                let written = write(&letter(what.clone()), language, "https://hub.example");
                assert!(written.subject.contains("ひのき精機株式会社"), "{}", written.subject);
                assert!(
                    !written.body.contains('{') && written.body.contains("https://hub.example"),
                    "{}",
                    written.body
                );
                assert_eq!(written.body.lines().any(|line| line == link), invitation, "{}", written.body);
            }
        }
    }

    #[test]
    fn an_invitation_reads_well() {
        let link = "https://hub.example/invitation?token=x".to_owned();
        let until = 1_795_591_320_000_000;
        let what = What::Invitation { inviter: "高梨 拓".into(), link, until, account: false };
        let written = write(&letter(what), "ja", "https://hub.example");
        assert_eq!(written.subject, "ひのき精機株式会社: 結び Musubi への招待");
        assert_eq!(
            written.body,
            "高梨 拓さんが、ひのき精機株式会社の 結び Musubi にあなたを招待しました。\n\n\
             次のリンクを開き、サインインの方法を選んでください。\nhttps://hub.example/invitation?token=x\n\n\
             リンクは 2026/11/25 16:22 Asia/Tokyo まで、1回だけ使えます。ほかの人に渡さないでください。\n\
             心当たりがない場合は、このメールを無視してください。何も起きません。\n\n\
             -- \nひのき精機株式会社 結び Musubi\nhttps://hub.example\nこのメールは自動で送っています。\n"
        );
    }
}
