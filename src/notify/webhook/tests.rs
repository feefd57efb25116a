use super::*;
use chrono::TimeDelta;

const NOW: &str = "2026-03-01T08:00:00Z";

fn waits(retry_after_text: &str, date: Option<&str>, status: u16) -> Option<u64> {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, retry_after_text.parse().unwrap());
    if let Some(date) = date {
        headers.insert(DATE, date.parse().unwrap());
    }
    match outcome(StatusCode::from_u16(status).unwrap(), &headers, NOW.parse().unwrap()) {
        Err(DeliveryError::Transient { retry_after, .. }) => retry_after.map(|wait| wait.as_secs()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn retry_after_is_read_in_every_form() {
    let date = Some("Sun, 01 Mar 2026 11:00:00 GMT");
    for (text, date, seconds) in [
        ("0", None, Some(0)),
        ("120", date, Some(120)),
        (" 7 ", None, Some(7)),
        ("86401", None, Some(86_400)),
        ("99999999999999999999999999", None, Some(86_400)),
        // Against the date of the answer, whose clock is three hours ahead of ours; in the three forms of RFC 9110.
        ("Sun, 01 Mar 2026 11:02:00 GMT", date, Some(120)),
        ("Sunday, 01-Mar-26 11:02:00 GMT", date, Some(120)),
        ("Sun Mar  1 11:02:00 2026", date, Some(120)),
        // Against our clock where there is none, and where it cannot be read.
        ("Sun, 01 Mar 2026 08:00:30 GMT", None, Some(30)),
        ("Sun, 01 Mar 2026 08:00:30 GMT", Some("today"), Some(30)),
        ("Sun, 01 Mar 2026 07:00:00 GMT", None, Some(0)),
        ("Mon, 01 Mar 9999 07:00:00 GMT", None, Some(86_400)),
        ("-1", None, None),
        ("1.5", None, None),
        ("soon", None, None),
        ("", None, None),
    ] {
        assert_eq!(waits(text, date, 503), seconds, "{text:?} {date:?}");
        assert_eq!(waits(text, date, 429), seconds, "{text:?} {date:?}");
    }
}

#[test]
fn a_clock_before_1970_ends_nothing() {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, "Sun, 01 Mar 2026 08:00:30 GMT".parse().unwrap());
    let long_ago = DateTime::UNIX_EPOCH - TimeDelta::seconds(1);
    assert_eq!(retry_after(&headers, long_ago), None);
}

#[test]
fn every_status_has_one_meaning() {
    let now = NOW.parse().unwrap();
    let transient = |n: u16| matches!(n, 100..=199 | 408 | 425 | 429 | 500..=999);
    for number in 100..=999 {
        let answer = outcome(StatusCode::from_u16(number).unwrap(), &HeaderMap::new(), now);
        match answer {
            Ok(()) => assert_eq!(number / 100, 2, "{number}"),
            Err(DeliveryError::Transient { problem, .. }) => {
                assert!(transient(number), "{number}");
                let named = matches!(number, 400..=599);
                let name = if named { format!("status_{number}") } else { "cut_off".to_owned() };
                assert_eq!(problem.as_str(), name);
            }
            Err(DeliveryError::Permanent { problem }) => {
                assert!(matches!(number, 300..=499) && !transient(number), "{number}");
                assert_eq!(problem == GONE, number == 410);
                assert_eq!(problem.as_str() == "redirected", number < 400);
            }
        }
    }
}
