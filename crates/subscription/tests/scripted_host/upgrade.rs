//! The HTTP exchange before a subscription, over memory and under paused time.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::host::{
    BINARY, Host, NSID, PONG, answered, ending, established_with, message, settings, subscribe,
};
use standpipe_cursor::{Resume, Seq};
use standpipe_pipeline::{Observation, Observer, Remedy, Transient};
use standpipe_subscription::{Deadlines, Subscription, SubscriptionError};
use tokio::io::duplex;
use tokio::time::{Instant, sleep};

/// Notes what it is told.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn observe(&self, observation: Observation<'_>) {
        self.0.lock().unwrap().push(format!("{observation:?}"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_host_hears_who_asks_and_from_where_and_the_observer_hears_it_too() {
    let (host, client) = duplex(4096);
    let mut host = Host::new(host);
    let notes = Arc::new(Notes::default());
    let observer: Arc<dyn Observer> = Arc::<Notes>::clone(&notes);
    let settings = settings(Deadlines::repos());
    let endpoint = "https://relay.example:8443/".parse().unwrap();
    let resume = Resume::After(Seq::new(31_527_015_322).unwrap());
    let (request, subscription) = tokio::join!(
        host.accept(""),
        Subscription::over(client, &settings, &endpoint, NSID, resume, &observer)
    );
    subscription.unwrap();
    let expected = [
        "GET /xrpc/com.atproto.sync.subscribeRepos?cursor=31527015322 HTTP/1.1",
        "Host: relay.example:8443",
        &format!("User-Agent: standpipe/{} (+ops@example.com)", env!("CARGO_PKG_VERSION")),
        "Sec-WebSocket-Version: 13",
    ];
    for line in expected {
        assert!(request.lines().any(|sent| sent == line), "{line} in {request}");
    }
    for never_offered in ["protocol", "extensions", "origin"] {
        assert!(!request.to_ascii_lowercase().contains(never_offered), "{request}");
    }
    assert_eq!(
        *notes.0.lock().unwrap(),
        ["Connecting".to_owned(), format!("{:?}", Observation::Connected { resume })]
    );
}

#[tokio::test(start_paused = true)]
async fn the_observer_hears_that_a_quiet_host_lives_once_a_ping() {
    let (host, client) = duplex(4096);
    let mut host = Host::new(host);
    let notes = Arc::new(Notes::default());
    let observer: Arc<dyn Observer> = Arc::<Notes>::clone(&notes);
    let (settings, endpoint) = (settings(Deadlines::labels()), "relay.example".parse().unwrap());
    let (_, subscription) = tokio::join!(
        host.accept(""),
        Subscription::over(client, &settings, &endpoint, NSID, Resume::Live, &observer)
    );
    let mut subscription = subscription.unwrap();
    let answers = async {
        for _ in 0..3 {
            let (_, payload) = host.receive().await.unwrap();
            host.send(PONG, &payload).await;
            // What else arrives before the next ping is no second answer.
            host.send(PONG, b"unasked").await;
        }
        // The fourth ping stays unanswered.
        host.receive().await.unwrap();
    };
    tokio::select! {
        error = ending(&mut subscription) => panic!("{error}"),
        () = answers => {}
    }
    let alive = notes.0.lock().unwrap().iter().filter(|note| *note == "Alive").count();
    assert_eq!(alive, 3);
}

#[tokio::test(start_paused = true)]
async fn the_observer_does_not_hear_of_a_connection_that_was_refused() {
    let (host, client) = duplex(4096);
    let mut host = Host::new(host);
    let notes = Arc::new(Notes::default());
    let observer: Arc<dyn Observer> = Arc::<Notes>::clone(&notes);
    let settings = settings(Deadlines::repos());
    let endpoint = "relay.example".parse().unwrap();
    let script = async {
        host.request().await;
        host.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
    };
    let ((), subscription) =
        tokio::join!(script, Subscription::over(client, &settings, &endpoint, NSID, Resume::Live, &observer));
    assert_eq!(subscription.unwrap_err().remedy(), Remedy::Retry);
    assert_eq!(*notes.0.lock().unwrap(), ["Connecting"]);
}

#[tokio::test(start_paused = true)]
async fn every_answer_other_than_an_upgrade_has_its_label_and_remedy() {
    let long = Remedy::RetryAfter(Duration::from_mins(5));
    for (status, label, remedy, configuration) in [
        ("200 OK", "refused_no_subscription", long, true),
        (
            "301 Moved Permanently\r\nLocation: wss://elsewhere.example/",
            "refused_redirect",
            Remedy::Retry,
            false,
        ),
        ("400 Bad Request", "refused_configuration", long, true),
        ("401 Unauthorized", "refused_configuration", long, true),
        ("403 Forbidden", "refused_configuration", long, true),
        ("404 Not Found", "refused_configuration", long, true),
        ("405 Method Not Allowed", "refused_configuration", long, true),
        ("426 Upgrade Required", "refused_configuration", long, true),
        ("429 Too Many Requests", "refused_limited", Remedy::Retry, false),
        ("500 Internal Server Error", "refused_unavailable", Remedy::Retry, false),
        ("501 Not Implemented", "refused_configuration", long, true),
        ("503 Service Unavailable", "refused_unavailable", Remedy::Retry, false),
    ] {
        let error = answered(format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\nsorry").as_bytes()).await;
        assert_eq!((error.label(), error.remedy()), (label, remedy), "{status}");
        assert_eq!(error.is_configuration(), configuration, "{status}");
        let said = format!(r#"upgrade to a websocket: the host answered {} "sorry""#, &status[..3]);
        assert_eq!(error.to_string(), said);
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_says_in_seconds_when_to_come_back() {
    for (retry_after, seconds) in [("0", 1), ("120", 120), ("999999", 900)] {
        let answer =
            format!("HTTP/1.1 429 Slow Down\r\nRetry-After: {retry_after}\r\nContent-Length: 0\r\n\r\n");
        let error = answered(answer.as_bytes()).await;
        assert_eq!(error.remedy(), Remedy::RetryAfter(Duration::from_secs(seconds)), "{retry_after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_says_as_a_date_when_to_come_back() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_mins(2));
    let error = answered(
        format!("HTTP/1.1 429 Slow Down\r\nretry-after: {date}\r\ncontent-length: 0\r\n\r\n").as_bytes(),
    )
    .await;
    let Remedy::RetryAfter(wait) = error.remedy() else { panic!("{error}") };
    assert!(wait.abs_diff(Duration::from_mins(2)) < Duration::from_secs(30), "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn i7_a_body_is_quoted_to_two_hundred_bytes_however_long_it_is() {
    let (host, client) = duplex(4096);
    let mut host = Host::new(host);
    let script = async {
        host.request().await;
        host.write(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
        loop {
            host.write(&[b'x'; 1_000]).await;
            sleep(Duration::from_millis(1)).await;
        }
    };
    let error = tokio::select! {
        subscription = subscribe(client, Deadlines::repos()) => subscription.unwrap_err(),
        () = script => unreachable!(),
    };
    let SubscriptionError::Refused { body, .. } = error else { panic!("{error}") };
    assert_eq!(body.as_str(), format!("{}…", "x".repeat(200)));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_later_than_its_head_is_still_quoted_and_one_that_never_comes_is_not_awaited() {
    for (body, expected_ms) in [(&b"{\"error\":\"BadRequest\"}"[..], 100), (b"", 500)] {
        let (host, client) = duplex(4096);
        let mut host = Host::new(host);
        let script = async {
            host.request().await;
            host.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 22\r\n\r\n").await;
            sleep(Duration::from_millis(100)).await;
            host.write(body).await;
        };
        let began = Instant::now();
        let ((), subscription) = tokio::join!(script, subscribe(client, Deadlines::repos()));
        let error = subscription.unwrap_err();
        assert_eq!(error.to_string().contains(r#"{\"error\":\"BadRequest\"}"#), !body.is_empty(), "{error}");
        assert_eq!(began.elapsed().as_millis(), expected_ms);
    }
}

#[tokio::test(start_paused = true)]
async fn our_own_subprotocol_may_be_echoed_and_no_other() {
    let (mut host, mut subscription) =
        established_with(Deadlines::repos(), "Sec-WebSocket-Protocol: xrpc.v0.cbor\r\n", 4096).await;
    host.send(BINARY, b"frame").await;
    assert_eq!(message(&mut subscription).await, b"frame");

    let (host, client) = duplex(4096);
    let mut host = Host::new(host);
    let (_, subscription) = tokio::join!(
        host.accept("Sec-WebSocket-Protocol: xrpc.v1.json\r\n"),
        subscribe(client, Deadlines::repos())
    );
    let error = subscription.unwrap_err();
    assert_eq!((error.label(), error.remedy()), ("subprotocol", Remedy::RetryAfter(Duration::from_mins(5))));
    assert!(error.is_configuration());
}

#[tokio::test(start_paused = true)]
async fn i6_an_answer_that_is_no_upgrade_of_ours_is_refused() {
    let of_another_key = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    for answer in
        [of_another_key, "HTTP/1.1 101 Switching Protocols\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n", "\0\0\0\0"]
    {
        let error = answered(answer.as_bytes()).await;
        assert_eq!((error.label(), error.remedy()), ("bad_answer", Remedy::Retry), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_hangs_up_on_the_request_gave_no_answer() {
    for said in [&b""[..], b"HTTP/1.1 101 Swi"] {
        let (host, client) = duplex(4096);
        let mut host = Host::new(host);
        let script = async {
            host.request().await;
            host.write(said).await;
            drop(host);
        };
        let ((), subscription) = tokio::join!(script, subscribe(client, Deadlines::repos()));
        let error = subscription.unwrap_err();
        assert_eq!((error.label(), error.remedy()), ("no_answer", Remedy::Retry));
    }
}

#[tokio::test(start_paused = true)]
async fn i10_a_host_that_does_not_answer_or_trickles_its_answer_is_overdue_after_ten_seconds() {
    for pause in [Duration::from_secs(1), Duration::from_hours(1)] {
        let (host, client) = duplex(4096);
        let mut host = Host::new(host);
        let script = async {
            host.request().await;
            for byte in b"HTTP/1.1 101 Switching Protocols\r\n" {
                sleep(pause).await;
                host.write(&[*byte]).await;
            }
            unreachable!()
        };
        let began = Instant::now();
        let error = tokio::select! {
            subscription = subscribe(client, Deadlines::repos()) => subscription.unwrap_err(),
            () = script => unreachable!(),
        };
        assert_eq!((error.label(), error.remedy()), ("overdue_upgrade", Remedy::Retry));
        assert_eq!(error.to_string(), "upgrade to a websocket within 10s");
        assert_eq!(began.elapsed(), Duration::from_secs(10));
    }
}
