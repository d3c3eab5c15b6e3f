//! What a walk does about a host that fails.

use std::num::NonZeroU32;
use std::time::Duration;

use standpipe_list_repos::{Bounds, Settings};
use standpipe_pipeline::{Remedy, Source, Transient};

use crate::answers::{Answer, page};
use crate::host::{Asked, Host};
use crate::notes::{Note, Steered, pass, poll, repos, settings, unobserved};

/// A host that answers so at first, and properly from then on.
fn recovering(answer: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Host {
    Host::new(move |asked| answer(asked).unwrap_or_else(|| Answer::page(["did:plc:a"], "")))
}

/// Reads from a host that answers so to its first request: why it waited.
async fn recovered(answer: Answer, settings: &Settings) -> Vec<&'static str> {
    let host = recovering(move |asked| (asked.number == 1).then(|| answer.clone()));
    let mut walk = repos(&host, settings);
    assert_eq!(walk.read_to_the_end().await.unwrap(), [["did:plc:a"]]);
    walk.reasons()
}

#[tokio::test]
async fn a_host_that_is_down_is_tried_for_ever_with_waits_up_to_five_minutes() {
    let host =
        recovering(|asked| (asked.number <= 60).then(|| Answer::status(502, "<html>Bad Gateway\n</html>")));
    let mut walk = repos(&host, &settings());
    assert_eq!(walk.read_to_the_end().await.unwrap(), [["did:plc:a"]]);
    let waits = walk.waits();
    assert_eq!(waits.len(), 60);
    let longest = waits.iter().map(|(_, wait)| *wait).max().unwrap();
    assert!(longest > Duration::from_mins(2) && longest <= Duration::from_mins(5), "{longest:?}");
    assert!(waits[0].1 <= Duration::from_secs(1));
    assert!(waits.iter().all(|(reason, wait)| *reason == "status" && *wait >= Duration::from_millis(100)));
    let cause = Some(r#"the host answered 502 "<html>Bad Gateway\n</html>""#.to_owned());
    assert!(
        matches!(&walk.notes()[1], Note::Waiting { cause: said, .. } if *said == cause),
        "{:?}",
        walk.notes()[1]
    );
}

#[tokio::test]
async fn every_way_to_fail_once_is_waited_out() {
    for status in [500, 502, 503, 504, 520, 599, 408, 425] {
        let reasons = recovered(Answer::status(status, "trouble"), &settings()).await;
        assert_eq!(reasons, ["status"], "{status}");
    }
    let html = Answer::status(200, "<!DOCTYPE html><title>502</title>").with("content-type", "text/html");
    assert_eq!(recovered(html, &settings()).await, ["not_json"]);
    assert_eq!(recovered(Answer::status(200, ""), &settings()).await, ["not_json"]);
    assert_eq!(
        recovered(Answer::json(r#"{"repos":[{"did":"did:plc:a"}"#), &settings()).await,
        ["broken_json"]
    );
    let cut = Answer::page(["did:plc:a", "did:plc:b"], r#""5""#).cut();
    assert_eq!(recovered(cut, &settings()).await, ["broken"]);
}

#[tokio::test]
async fn a_host_that_is_not_there_is_waited_for() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut settings = settings();
    settings.bounds = Bounds { give_up_after: NonZeroU32::new(4), ..Bounds::default() };
    let host = format!("http://{address}");
    let mut walk = Steered::open(&standpipe_list_repos::Repos, &host, &settings, None).unwrap();
    let (pages, error) = walk.read_to_the_error().await;
    assert_eq!((pages.len(), walk.reasons()), (0, vec!["connect"; 3]));
    assert_eq!((error.label(), error.remedy()), ("gave_up", Remedy::Retry));
    assert!(
        error
            .to_string()
            .ends_with("page 1 from the beginning: 4 requests in a row failed; it is tried again later")
    );
}

#[tokio::test]
async fn i10_a_host_that_says_nothing_or_never_ends_is_overdue_after_thirty_seconds() {
    for silent in [|| Answer::json("").unfinished(), || Answer::json(r#"{"repos":["#).unfinished()] {
        let mut host = recovering(move |asked| (asked.number == 1).then(silent));
        let mut walk = repos(&host, &settings());
        {
            let mut next = std::pin::pin!(walk.walk.next());
            tokio::select! {
                biased;
                _ = &mut next => panic!("nothing was answered"),
                _ = host.arrival() => {}
            }
            pass(Duration::from_secs(29)).await;
            assert!(poll(next.as_mut()).await.is_pending());
            pass(Duration::from_secs(2)).await;
            assert!(poll(next.as_mut()).await.is_pending(), "it waits before it asks again");
        }
        let overdue = &walk.notes()[1];
        assert!(
            matches!(overdue, Note::Waiting { reason: "overdue", cause: Some(cause), .. }
                if cause == "have the whole answer within 30s"),
            "{overdue:?}"
        );
        assert_eq!(walk.read_to_the_end().await.unwrap(), [["did:plc:a"]]);
    }
}

#[tokio::test]
async fn i7_a_body_is_read_up_to_its_limit_and_no_further() {
    let mut settings = settings();
    settings.bounds.page_max_bytes = 10_000;
    let endless = Answer::json(r#"{"repos":[{"did":"did:plc:a"}],"#.repeat(100)).endless();
    assert_eq!(recovered(endless, &settings).await, ["too_large"]);
    let spaces = |len: usize| format!("{}{}", page(["did:plc:a"], ""), " ".repeat(len));
    let long = spaces(10_000);
    assert_eq!(recovered(Answer::json(long), &settings).await, ["too_large"]);
    let fits = spaces(10_000 - page(["did:plc:a"], "").len());
    assert_eq!(recovered(Answer::json(fits), &settings).await, [""; 0]);
}

#[tokio::test]
async fn i7_unless_it_is_set_a_page_has_at_most_five_megabytes() {
    let of = |len: usize| {
        let page = page(["did:plc:a"], "");
        Answer::json(format!("{page}{}", " ".repeat(len - page.len())))
    };
    assert_eq!(recovered(of(5_000_000), &settings()).await, [""; 0]);
    assert_eq!(recovered(of(5_000_001), &settings()).await, ["too_large"]);
}

#[tokio::test]
async fn i7_a_page_may_be_compressed_and_its_limit_is_that_of_what_comes_out() {
    let host = Host::new(|_| Answer::page(["did:plc:a"], "").gzipped());
    assert_eq!(repos(&host, &settings()).read_to_the_end().await.unwrap(), [["did:plc:a"]]);
    // A hundred megabytes in a hundred kilobytes.
    let bomb = Answer::json(format!("{}{}", page(["did:plc:a"], ""), " ".repeat(100_000_000))).gzipped();
    assert_eq!(recovered(bomb, &settings()).await, ["too_large"]);
    let cut = Answer::page(["did:plc:a"], "").gzipped().cut();
    assert_eq!(recovered(cut, &settings()).await, ["broken"]);
    let no_gzip = Answer::page(["did:plc:a"], "").with("content-encoding", "gzip");
    assert_eq!(recovered(no_gzip, &settings()).await, ["broken"]);
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_in_smaller_ones() {
    let host = Host::new(|asked| {
        let at: usize = asked.cursor.as_deref().unwrap_or("0").parse().unwrap();
        let end = 300.min(at + asked.limit);
        let names: Vec<_> = (at..end).map(|number| format!("did:plc:{number}")).collect();
        let cursor = if end < 300 { format!(r#""{end}""#) } else { String::new() };
        Answer::page(names.iter().map(String::as_str), &cursor)
    });
    let mut settings = settings();
    settings.bounds.page_max_bytes = 8_000;
    let pages = repos(&host, &settings).read_to_the_end().await.unwrap();
    let expected: Vec<_> = (0..300).map(|number| format!("did:plc:{number}")).collect();
    assert_eq!(pages.concat(), expected);
}

#[tokio::test]
async fn a_cursor_that_the_host_refuses_is_for_an_operator_and_is_not_asked_for_again() {
    let host =
        Host::new(|_| Answer::status(400, r#"{"error":"InvalidRequest","message":"Malformed cursor"}"#));
    let mut walk =
        Steered::open(&standpipe_list_repos::Repos, &host.written(), &settings(), Some("x\n")).unwrap();
    let (_, error) = walk.read_to_the_error().await;
    assert_eq!(error.label(), "bad_cursor");
    assert!(matches!(error.remedy(), Remedy::Hold(_)));
    assert!(
        error.to_string().contains(r#"page 1 behind cursor "x\n": the host refuses this cursor"#),
        "{error}"
    );
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("400") && source.contains("Malformed cursor"), "{source}");
    assert_eq!((host.asked().len(), walk.reasons().len()), (1, 0));
}

#[tokio::test]
async fn a_host_that_does_not_have_the_method_is_said_so() {
    for status in [400, 401, 403, 404, 405, 410, 451, 501] {
        let host = Host::new(move |_| Answer::status(status, "Not here"));
        let (_, error) = repos(&host, &settings()).read_to_the_error().await;
        assert_eq!(error.label(), "refused", "{status}");
        assert!(matches!(error.remedy(), Remedy::RetryAfter(_)));
        assert_eq!(host.asked().len(), 1);
    }
}

#[tokio::test]
async fn an_error_is_not_the_end_and_the_same_page_is_asked_for_again() {
    let host = recovering(|asked| (asked.number == 1).then(|| Answer::status(404, "")));
    let mut walk = unobserved(&host);
    assert!(walk.next().await.is_err());
    assert!(walk.next().await.unwrap().is_some());
    assert!(walk.next().await.unwrap().is_none());
}
