use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

const OVERLAP: SignedDuration = SignedDuration::from_mins(15);

fn at(text: &str) -> Timestamp {
    format!("2026-11-23T{text}Z").parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

fn written(time: &str, id: i64) -> Place {
    Place { written: Some(at(time)), created: Some(at("01:00:00")), id }
}

fn created(time: &str, id: i64) -> Place {
    Place { written: None, created: Some(at(time)), id }
}

fn times(began: &str, now: &str) -> Times {
    Times { began: Some(at(began)), now: Some(at(now)), overlap: OVERLAP }
}

#[test]
fn marks_move_on_and_know_when_they_are_exact() {
    let mut marks = Marks::default();
    let page = [created("02:00:00", 4), created("02:00:00", 9), written("03:00:00", 1), written("03:00:00", 7)];
    marks.pass(&page, times("12:00:00", "12:00:01"));
    let expected = |time: &str, created: Option<&str>, id, exact| {
        Some(Mark { time: at(time), created: created.map(at), id, exact })
    };
    assert_eq!(marks.unwritten, expected("02:00:00", None, 9, true));
    assert_eq!(marks.written, expected("03:00:00", Some("01:00:00"), 7, true));
    // Changed within the overlap: somebody may still be writing before it.
    marks.pass(&[written("11:50:00", 2)], times("12:00:00", "12:00:02"));
    assert_eq!(marks.written, expected("11:50:00", Some("01:00:00"), 2, false));
    // Read again, which is behind: nothing moves.
    marks.pass(&[written("11:49:00", 8)], times("12:00:00", "12:00:03"));
    assert_eq!(marks.written, expected("11:50:00", Some("01:00:00"), 2, false));
    // A later pull that read it all again, and nothing came: by now everybody has committed.
    marks.end(times("12:04:00", "12:04:00"));
    assert_eq!(marks.written, expected("11:50:00", Some("01:00:00"), 2, false));
    marks.end(times("12:10:00", "12:10:00"));
    assert_eq!(marks.written, expected("11:50:00", Some("01:00:00"), 2, true));
}

#[test]
fn a_wrong_clock_does_not_carry_the_mark_away() {
    let mut marks = Marks::default();
    marks.pass(&[written("23:00:00", 3)], times("12:00:00", "12:00:05"));
    assert_eq!(marks.written, Some(Mark::at(at("12:00:06"))));
    let mut unknown = Marks::default();
    unknown.pass(&[written("23:00:00", 3)], Times { began: None, now: None, overlap: OVERLAP });
    assert_eq!(unknown.written.map(|mark| (mark.time, mark.exact)), Some((at("23:00:00"), false)));
}

#[test]
fn what_is_asked_from_a_mark() {
    let never = || is("write_date", "=", Value::Null);
    let time = |text| scalar::datetime(at(text));
    let exact = Mark { time: at("03:00:00"), created: Some(at("01:00:00")), id: 7, exact: true };
    let table = [
        (Marks::default(), None),
        (
            Marks { written: Some(Mark::at(at("03:00:00"))), unwritten: None },
            Some(any(vec![is("write_date", ">=", time("02:45:00")), never()])),
        ),
        (
            Marks { written: None, unwritten: Some(Mark::at(at("03:00:00"))) },
            Some(any(vec![
                is("write_date", "!=", Value::Null),
                all(vec![never(), is("create_date", ">=", time("02:45:00"))]),
            ])),
        ),
        (
            Marks { written: Some(exact.clone()), unwritten: Some(Mark { created: None, ..exact }) },
            Some(any(vec![
                after(&[("write_date", time("03:00:00")), ("create_date", time("01:00:00")), ("id", 7.into())]),
                all(vec![never(), after(&[("create_date", time("03:00:00")), ("id", 7.into())])]),
            ])),
        ),
    ];
    for (marks, expected) in table {
        assert_eq!(marks.since(OVERLAP), expected, "{marks:?}");
    }
}

#[test]
fn a_record_that_came_already_is_known() {
    let start = Marks { written: Some(Mark::at(at("03:00:00"))), unwritten: None };
    let now = Marks { written: Some(Mark::at(at("05:00:00"))), unwritten: None };
    let exact = Marks { written: Some(Mark { exact: true, id: 2, ..Mark::at(at("03:00:00")) }), unwritten: None };
    let table = [
        (&start, written("02:40:00", 1), false),
        (&start, written("02:45:00", 1), true),
        (&start, written("04:00:00", 1), true),
        (&start, written("05:00:00", 1), false),
        (&start, created("04:00:00", 1), false),
        (&exact, written("02:59:00", 1), false),
        (&exact, written("03:00:00", 1), false),
        (&exact, written("03:00:01", 1), true),
    ];
    for (start, place, expected) in table {
        assert_eq!(start.has_passed(&now, &place, OVERLAP), expected, "{place:?}");
    }
    assert!(Marks::default().has_passed(&now, &written("01:00:00", 1), OVERLAP));
}

#[test]
fn places_are_ordered_as_the_answers_are() {
    let sorted = [
        Place { written: None, created: None, id: 9 },
        created("02:00:00", 4),
        created("02:00:00", 5),
        written("01:30:00", 8),
        written("03:00:00", 1),
        written("03:00:00", 7),
    ];
    assert!(sorted.is_sorted());
    let row = json!({"id": 7, "write_date": "2026-11-23T03:00:00Z", "create_date": "2026-11-23T01:00:00Z"});
    assert_eq!(Place::of(&row), Some(written("03:00:00", 7)));
    assert_eq!(Place::of(&json!({"write_date": null})), None);
}

#[test]
fn what_was_written_is_read_back() -> TestResult {
    let mut stand = Stand { own: Marks::at(Some(at("03:00:00.123456"))), parts: BTreeMap::new() };
    stand.own.pass(&[written("04:00:00.654321", 12)], times("12:00:00", "12:00:00"));
    stand.parts.insert("party.address".to_owned(), Marks::at(Some(at("05:00:00"))));
    assert_eq!(Stand::read(&stand.write())?, stand);
    assert!(Stand::read(&Cursor(json!({"time": "x"}))).is_err());
    Ok(())
}
