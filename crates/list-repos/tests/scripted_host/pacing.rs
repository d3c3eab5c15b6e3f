//! A host's rate: refused by it, and kept below it.

use std::time::{Duration, SystemTime};

use crate::answers::Answer;
use crate::host::Host;
use crate::notes::{repos, settings};

fn epoch_seconds(after: Duration) -> String {
    let at = SystemTime::now() + after;
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().to_string()
}

/// Reads from a host that first answers so with this header: how long it waited.
async fn refused(status: u16, name: &'static str, value: String) -> Vec<(&'static str, Duration)> {
    let host = Host::new(move |asked| match asked.number {
        1 => Answer::status(status, r#"{"error":"RateLimitExceeded"}"#).with(name, value.clone()),
        _ => Answer::page(["did:plc:a"], ""),
    });
    let mut walk = repos(&host, &settings());
    assert_eq!(walk.read_to_the_end().await.unwrap(), [["did:plc:a"]]);
    walk.waits()
}

#[tokio::test]
async fn a_refusal_is_waited_out_as_long_as_retry_after_says_in_seconds_or_as_a_date() {
    for status in [429, 503] {
        let waits = refused(status, "retry-after", "37".to_owned()).await;
        assert_eq!(waits, [("rate_limited", Duration::from_secs(37))]);
    }
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
    let waits = refused(429, "retry-after", date).await;
    assert!((95..=100).contains(&waits[0].1.as_secs()), "{waits:?}");
}

#[tokio::test]
async fn ratelimit_reset_is_epoch_seconds() {
    let waits = refused(429, "ratelimit-reset", epoch_seconds(Duration::from_secs(200))).await;
    assert!((195..=200).contains(&waits[0].1.as_secs()), "{waits:?}");
}

#[tokio::test]
async fn a_refusal_without_a_time_backs_off_and_says_nothing_against_the_page() {
    let host = Host::new(|asked| match asked.number {
        ..=20 => Answer::status(429, ""),
        _ => Answer::page(["did:plc:a"], ""),
    });
    let mut walk = repos(&host, &settings());
    walk.read_to_the_end().await.unwrap();
    assert_eq!(walk.reasons(), ["rate_limited"; 20]);
    assert!(host.asked().iter().all(|asked| asked.limit == 1000), "the limit does not shrink");
}

#[tokio::test]
async fn requests_are_spread_before_any_is_refused() {
    let host = Host::new(|asked| {
        let left = [500, 299, 10, 0][asked.number - 1];
        let cursor = if asked.number == 4 { String::new() } else { format!(r#""{}""#, asked.number) };
        Answer::page(["did:plc:a"], &cursor)
            .with("ratelimit-limit", "3000")
            .with("ratelimit-remaining", left.to_string())
            .with("ratelimit-reset", epoch_seconds(Duration::from_secs(100)))
            .with("ratelimit-policy", "3000;w=300")
    });
    let mut walk = repos(&host, &settings());
    assert_eq!(walk.read_to_the_end().await.unwrap().len(), 4);
    let waits = walk.waits();
    assert_eq!(walk.reasons(), ["rate_limit"; 3], "of the last page it is told too, in vain");
    assert!(waits[0].1 < Duration::from_millis(340), "{waits:?}");
    assert!((9..=10).contains(&waits[1].1.as_secs()), "{waits:?}");
}
