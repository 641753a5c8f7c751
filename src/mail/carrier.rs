//! Hands one mail to the configured server and says what came of it.

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, SinglePart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error as SmtpError,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use url::Host;

use super::{Written, one_line};
use crate::config::{self, MailTls};

/// Characters of an answer that are kept for people.
const KEPT: usize = 300;

/// The way to the server. Cheap to clone.
#[derive(Clone)]
pub struct Carrier {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    /// Right side of message ids.
    host: String,
    timeout: std::time::Duration,
}

/// Why mail cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum CarrierError {
    #[error("mail.{0} is no mail address")]
    Address(&'static str),
    #[error("mail.ca_file {path} cannot be used: {why}")]
    Ca { path: String, why: String },
    #[error("TLS for mail cannot be set up")]
    Tls(#[source] SmtpError),
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    Taken,
    /// This mail may be taken later.
    Later(Trouble),
    /// This mail will not be taken.
    Never(Trouble),
    /// The server takes nothing just now.
    Away(Trouble),
}

/// `MAIL_ADDRESS`, `MAIL_REFUSED`, `MAIL_LATER`, `MAIL_SIGNIN`, `MAIL_TLS`, `MAIL_TIMEOUT`, `MAIL_UNREACHABLE`, and
/// what was said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}: {answer}")]
pub struct Trouble {
    pub cause: &'static str,
    pub answer: String,
}

impl Trouble {
    fn new(cause: &'static str, answer: &str) -> Self {
        Self { cause, answer: one_line(answer, KEPT) }
    }
}

/// Whether an address can stand in a mail at all.
#[must_use]
pub fn is_address(mail: &str) -> bool {
    mail.parse::<Address>().is_ok()
}

impl Carrier {
    /// `public_url`: the hub's own address, by whose host it introduces itself.
    pub fn new(settings: &config::Mail, public_url: &str) -> Result<Self, CarrierError> {
        let host = url::Url::parse(public_url).ok().and_then(|url| url.host().map(|host| host.to_owned()));
        let tls = match settings.tls {
            MailTls::None => Tls::None,
            MailTls::Starttls => Tls::Required(tls(settings)?),
            MailTls::Implicit => Tls::Wrapper(tls(settings)?),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(tls)
            .timeout(Some(settings.timeout.0))
            .hello_name(hello(host.as_ref()));
        if !settings.user.is_empty() {
            transport = transport.credentials(Credentials::new(settings.user.clone(), settings.password.clone()));
        }
        let mailbox = |key, text: &str| text.parse::<Mailbox>().map_err(|_| CarrierError::Address(key));
        let reply_to = Some(settings.reply_to.as_str()).filter(|text| !text.is_empty());
        Ok(Self {
            transport: transport.build(),
            from: mailbox("from", &settings.from)?,
            reply_to: reply_to.map(|text| mailbox("reply_to", text)).transpose()?,
            host: host.map_or_else(|| "localhost".to_owned(), |host| host.to_string()),
            timeout: settings.timeout.0,
        })
    }

    /// Sends one mail. The same `id` is the same message for whoever gets it twice.
    pub async fn send(&self, id: &str, to: &str, written: &Written) -> Came {
        let message = match self.message(id, to, written) {
            Ok(message) => message,
            Err(why) => return Came::Never(Trouble::new("MAIL_ADDRESS", &why)),
        };
        // The transport's own limit is for each step.
        match tokio::time::timeout(self.timeout, self.transport.send(message)).await {
            Ok(Ok(_)) => Came::Taken,
            Ok(Err(error)) => judged(&error),
            Err(_) => Came::Away(Trouble::new("MAIL_TIMEOUT", "no answer in time")),
        }
    }

    /// Whether the server answers and lets us in; nothing is sent.
    pub async fn greet(&self) -> Result<(), Trouble> {
        match tokio::time::timeout(self.timeout, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(Trouble::new("MAIL_UNREACHABLE", "the server hung up")),
            Ok(Err(error)) => match judged(&error) {
                Came::Later(trouble) | Came::Never(trouble) | Came::Away(trouble) => Err(trouble),
                Came::Taken => Ok(()),
            },
            Err(_) => Err(Trouble::new("MAIL_TIMEOUT", "no answer in time")),
        }
    }

    fn message(&self, id: &str, to: &str, written: &Written) -> Result<Message, String> {
        let to = Mailbox::new(None, to.parse::<Address>().map_err(|error| error.to_string())?);
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(one_line(&written.subject, 200))
            .message_id(Some(format!("<{id}@{}>", self.host)));
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(reply_to.clone());
        }
        let body = written.body.replace('\0', "");
        let mut message = message.singlepart(SinglePart::plain(body)).map_err(|error| error.to_string())?;
        // RFC 3834: no answer by a machine is wanted.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
        Ok(message)
    }
}

fn hello(host: Option<&Host<String>>) -> ClientId {
    match host {
        Some(Host::Domain(name)) => ClientId::Domain(name.clone()),
        Some(Host::Ipv4(ip)) => ClientId::Ipv4(*ip),
        Some(Host::Ipv6(ip)) => ClientId::Ipv6(*ip),
        None => ClientId::Domain("localhost".to_owned()),
    }
}

fn tls(settings: &config::Mail) -> Result<TlsParameters, CarrierError> {
    let mut tls = TlsParameters::builder(settings.host.clone());
    if !settings.ca_file.is_empty() {
        let refused = |why: String| CarrierError::Ca { path: settings.ca_file.clone(), why };
        let pem = std::fs::read(&settings.ca_file).map_err(|error| refused(error.to_string()))?;
        tls = tls.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| refused(error.to_string()))?);
    }
    tls.build().map_err(CarrierError::Tls)
}

fn judged(error: &SmtpError) -> Came {
    let said = error.to_string();
    let code = error.status().map(u16::from);
    match code {
        // Authentication: the mail itself was not looked at.
        Some(530 | 534 | 535 | 538) => Came::Away(Trouble::new("MAIL_SIGNIN", &said)),
        // The service as a whole: it is closing down.
        Some(421 | 454) => Came::Away(Trouble::new("MAIL_LATER", &said)),
        Some(_) if error.is_transient() => Came::Later(Trouble::new("MAIL_LATER", &said)),
        Some(_) => Came::Never(Trouble::new("MAIL_REFUSED", &said)),
        None if error.is_tls() || is_of_tls(error) => Came::Away(Trouble::new("MAIL_TLS", &said)),
        None if error.is_timeout() => Came::Away(Trouble::new("MAIL_TIMEOUT", &said)),
        None => Came::Away(Trouble::new("MAIL_UNREACHABLE", &said)),
    }
}

/// A handshake that failed comes as a broken connection, with the reason inside.
fn is_of_tls(error: &SmtpError) -> bool {
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if cause.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        next = cause.source();
    }
    false
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    fn carrier() -> Carrier {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings = config::Mail {
            host: "localhost".into(),
            port: 25,
            tls: MailTls::None,
            from: "結び連携 <hub@hinoki-seiki.example>".into(),
            reply_to: "it@hinoki-seiki.example".into(),
            ..config::Config::default().mail
        };
        Carrier::new(&settings, "https://hub.hinoki-seiki.example").unwrap()
    }

    fn written(subject: &str, body: &str) -> Written {
        Written { subject: subject.into(), body: body.into() }
    }

    #[test]
    fn nothing_that_is_written_makes_another_header() {
        let evil = written("件名\r\nBcc: all@hinoki-seiki.example\r\n\r\n<script>", "本文\r\n.\r\nMAIL FROM:<x@y>\0");
        let message = carrier().message("mai_1", "aoi@hinoki-seiki.example", &evil).unwrap().formatted();
        let text = String::from_utf8(message).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        let wanted = ["From", "To", "Subject", "Message-ID", "Reply-To"];
        assert!(wanted.iter().all(|name| names.contains(name)), "{names:?}");
        assert!(!names.contains(&"Bcc") && text.is_ascii(), "{head}");
        assert!(head.contains("Message-ID: <mai_1@hub.hinoki-seiki.example>"), "{head}");
        assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
        assert!(!body.contains("MAIL FROM"), "{body}");
    }

    #[test]
    fn an_address_is_one_address() {
        for good in ["aoi@hinoki-seiki.example", "a.o+i@sub.hinoki-seiki.example"] {
            assert!(is_address(good), "{good}");
        }
        for bad in
            ["", "aoi", "aoi@", "@hinoki-seiki.example", "a@b.example, c@d.example", "a@b.example\r\nBcc: x@y.example"]
        {
            assert!(!is_address(bad), "{bad}");
            assert!(carrier().message("mai_1", bad, &written("a", "b")).is_err(), "{bad}");
        }
    }
}
