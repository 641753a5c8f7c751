//! `[mail]`: the server that takes our mails, if there is one.

use std::net::IpAddr;

use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};

use super::{Invalid, Period};

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Empty: there is no mail.
    pub host: String,
    /// 0: the usual one of `tls`.
    pub port: u16,
    pub tls: MailTls,
    /// Further certificates that are believed, as PEM.
    pub ca_file: String,
    pub user: String,
    pub password: String,
    pub password_file: String,
    /// `Musubi <hub@example.co.jp>`
    pub from: String,
    pub reply_to: String,
    pub timeout: Period,
    pub retry_first: Period,
    pub retry_max: Period,
    pub give_up: Period,
    pub gather: Period,
    pub stopped_after: Period,
}

/// How the way to the server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// Plain at first, then TLS or nothing.
    Starttls,
    /// TLS from the first byte.
    Implicit,
    /// A server on this machine.
    None,
}

impl Mail {
    pub(super) fn complete(&mut self) -> Result<(), Invalid> {
        if !self.password_file.is_empty() {
            self.password = super::read_secret_file("mail.password_file", &self.password_file)?;
        }
        if self.port == 0 {
            self.port = match self.tls {
                MailTls::Starttls => 587,
                MailTls::Implicit => 465,
                MailTls::None => 25,
            };
        }
        Ok(())
    }

    pub(super) fn validate(&self) -> Result<(), Invalid> {
        for (key, period) in [
            ("mail.timeout", self.timeout),
            ("mail.retry_first", self.retry_first),
            ("mail.give_up", self.give_up),
            ("mail.gather", self.gather),
            ("mail.stopped_after", self.stopped_after),
        ] {
            if period.0.is_zero() {
                return Err(Invalid::new(key, "must be above 0"));
            }
        }
        if self.retry_first > self.retry_max {
            return Err(Invalid::new("mail.retry_first", "must not be longer than mail.retry_max"));
        }
        if !self.is_on() {
            return Ok(());
        }
        if self.tls == MailTls::None && !self.is_loopback() {
            return Err(Invalid::new(
                "mail.tls",
                "may be \"none\" only for a server on this machine (localhost, 127.0.0.1, ::1): mails hold links that let people in",
            ));
        }
        if self.user.is_empty() != self.password.is_empty() {
            return Err(Invalid::new("mail.user", "and mail.password (or mail.password_file) belong together"));
        }
        if self.from.is_empty() {
            return Err(Invalid::new("mail.from", "must be set: \"Musubi <hub@example.co.jp>\""));
        }
        is_mailbox("mail.from", &self.from)?;
        if self.reply_to.is_empty() { Ok(()) } else { is_mailbox("mail.reply_to", &self.reply_to) }
    }

    /// Whether mails are sent at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.host.is_empty()
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

fn is_mailbox(key: &'static str, text: &str) -> Result<(), Invalid> {
    if text.chars().any(char::is_control) || text.parse::<Mailbox>().is_err() {
        return Err(Invalid::new(key, "is no mail address; write it as \"Musubi <hub@example.co.jp>\""));
    }
    Ok(())
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}
