//! A browser and its system in words, read from what it says of itself (`User-Agent`). For people to
//! recognise their own devices by; it proves nothing.

use crate::http::console::Lang;

/// Token in the header and the name to show. The first that is found counts: most browsers name their
/// forebears as well.
const BROWSERS: [(&str, &str); 14] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("curl/", "curl"),
    ("python-requests/", "Python"),
];

const SYSTEMS: [(&str, &str); 9] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    // iPads that ask for desktop pages say this, too.
    ("Macintosh", "Mac"),
    ("X11; Linux", "Linux"),
    ("Linux", "Linux"),
    ("FreeBSD", "FreeBSD"),
];

fn first(agent: &str, known: &[(&str, &'static str)]) -> Option<&'static str> {
    known.iter().find(|(token, _)| agent.contains(token)).map(|(_, name)| *name)
}

/// `Chrome・Windows`, `不明なブラウザー`.
#[must_use]
pub fn name(lang: Lang, agent: Option<&str>) -> String {
    let agent = agent.unwrap_or_default();
    // Safari names itself by `Version/`, as other things do.
    let browser = first(agent, &BROWSERS).filter(|name| *name != "Safari" || agent.contains("Safari/"));
    match (browser, first(agent, &SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser}{}{system}", lang.t("sep")),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => lang.t("sessions.unknown_device").to_owned(),
    }
}

/// Held in the hand: for the icon.
#[must_use]
pub fn is_phone(agent: Option<&str>) -> bool {
    agent.is_some_and(|agent| ["iPhone", "Android", "iPad"].iter().any(|word| agent.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_browsers_are_told_apart() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
        let cases = [
            (chrome.to_owned(), Some("Chrome"), Some("Windows")),
            (format!("{chrome} Edg/140.0.0.0"), Some("Edge"), Some("Windows")),
            (format!("{chrome} OPR/120.0"), Some("Opera"), Some("Windows")),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15".into(), Some("Safari"), Some("Mac")),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1".into(), Some("Safari"), Some("iPhone")),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1".into(), Some("Chrome"), Some("iPhone")),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(), Some("Firefox"), Some("Linux")),
            ("Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36".into(), Some("Chrome"), Some("Android")),
            ("curl/8.5.0".into(), Some("curl"), None),
            ("<script>".into(), None, None),
        ];
        for (agent, browser, system) in cases {
            assert_eq!((first(&agent, &BROWSERS), first(&agent, &SYSTEMS)), (browser, system), "{agent}");
        }
        assert!(is_phone(Some("… (iPhone; …")) && !is_phone(Some(chrome)) && !is_phone(None));
    }
}
