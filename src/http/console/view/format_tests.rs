use jiff::civil::date;

use super::format::*;
use crate::{
    http::console::Lang::{En, Ja},
    model::{Timestamp, money::Currency},
};

fn usd() -> Currency {
    "USD".parse().unwrap_or(Currency::JPY)
}

#[test]
fn amounts() {
    let jpy = Currency::JPY;
    for (minor, currency, text) in [
        (36_184_500, jpy, "¥36,184,500"),
        (0, jpy, "¥0"),
        (-1200, jpy, "\u{2212}¥1,200"),
        (120_000, usd(), "USD 1,200.00"),
        (-5, usd(), "\u{2212}USD 0.05"),
        (999, jpy, "¥999"),
    ] {
        assert_eq!(money(minor, currency), text);
    }
    assert_eq!(headline(182_400_000, jpy, Ja), ("1億8,240万".to_owned(), "円"));
    assert_eq!(headline(300_000_000, jpy, Ja), ("3億".to_owned(), "円"));
    assert_eq!(headline(99_999_999, jpy, Ja), ("¥99,999,999".to_owned(), ""));
    assert_eq!(headline(182_400_000, jpy, En), ("¥182.4M".to_owned(), ""));
    for (minor, ja, en) in
        [(4_620_000, "462万", "4.6M"), (120_000_000, "1.2億", "120M"), (0, "0", "0"), (900, "900", "900")]
    {
        assert_eq!((axis(minor, jpy, Ja).as_str(), axis(minor, jpy, En).as_str()), (ja, en));
    }
    assert_eq!(group(-1284), "\u{2212}1,284");
    assert_eq!(change(1144, 1000), Some((true, "14.4%".to_owned())));
    assert_eq!(change(900, 1000), Some((false, "10.0%".to_owned())));
    assert_eq!(change(900, 0), None);
}

#[test]
fn dates() {
    let (day, today) = (date(2026, 11, 20), date(2026, 11, 21));
    assert_eq!(date_full(day, Ja), "2026/11/20");
    assert_eq!(date_full(day, En), "20 Nov 2026");
    assert_eq!(date_short(day, today, Ja), "11/20");
    assert_eq!(date_short(date(2025, 3, 4), today, Ja), "2025/03/04");
    assert_eq!(date_short(day, today, En), "20 Nov");
    assert_eq!(date_weekday(day, today, Ja), "11月20日(金)");
    assert_eq!(date_weekday(date(2025, 12, 1), today, Ja), "2025年12月1日(月)");
    assert_eq!(date_weekday(day, today, En), "Fri 20 Nov");
    assert_eq!(date_weekday(date(2025, 12, 1), today, En), "Mon 1 Dec 2025");
    assert_eq!(month_label("2026-01", true, Ja), "'26/1");
    assert_eq!(month_label("2026-03", false, Ja), "3月");
    assert_eq!(month_label("2026-03", false, En), "Mar");
    assert_eq!(parse_date("2026-11-20"), Some(day));
    assert_eq!(parse_date("昨日"), None);
}

#[test]
fn spans() {
    let today = date(2026, 11, 20);
    for (day, ja, en) in [
        (date(2026, 11, 20), Some("今日"), Some("today")),
        (date(2026, 11, 19), Some("昨日"), Some("yesterday")),
        (date(2026, 11, 17), Some("3日前"), Some("3 days ago")),
        (date(2026, 11, 12), None, None),
    ] {
        assert_eq!(days_ago(day, today, Ja).as_deref(), ja);
        assert_eq!(days_ago(day, today, En).as_deref(), en);
    }
    let now = Timestamp(1_800_000_000_000_000);
    for (back, ja) in [
        (30 * Timestamp::SECOND, Some("たった今")),
        (2 * Timestamp::MINUTE, Some("2分前")),
        (26 * Timestamp::HOUR, Some("26時間前")),
        (3 * Timestamp::DAY, Some("3日前")),
        (9 * Timestamp::DAY, None),
    ] {
        assert_eq!(ago(now.plus(-back), now, Ja).as_deref(), ja);
    }
    assert_eq!(ago(now.plus(-Timestamp::MINUTE), now, En).as_deref(), Some("1 minute ago"));
    assert_eq!(until(now.plus(3 * Timestamp::MINUTE), now, Ja), "3分後");
    assert_eq!(duration(24 * Timestamp::SECOND, Ja), "24秒");
    assert_eq!(duration(72 * Timestamp::SECOND, Ja), "1分12秒");
    assert_eq!(duration(72 * Timestamp::SECOND, En), "1 min 12 s");
    assert_eq!(years_months(date(2019, 9, 3), today, Ja), "7年2か月");
    assert_eq!(years_months(date(2019, 9, 3), today, En), "7 y 2 mo");
    assert_eq!(years_months(date(2026, 10, 25), today, Ja), "0か月");
}
