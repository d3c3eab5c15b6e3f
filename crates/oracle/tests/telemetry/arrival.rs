use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;

use crate::receiver::attribute;
use crate::way::{Way, rig};

const FRAMES: u64 = 3_000;
/// The daemon's grace period, and a little for the machine.
const STOP_WITHIN: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_arrives_at_the_receiver() {
    arrives(Way::straight().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_arrives_through_a_real_collector() {
    if let Some(way) = Way::through_a_collector().await {
        arrives(way).await;
    }
}

/// Every delivery is a span, every metric has the value that the daemon's page has, and log lines are there.
async fn arrives(way: Way) {
    let mut rig = rig(FRAMES, &way.url()).await;
    rig.daemon.set("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=lab,team=a");
    rig.daemon.set("STANDPIPE_OTLP__RESOURCE", "team=b");
    rig.daemon.start().unwrap();
    rig.complete().await;
    let entries = rig.expectation.entries();
    way.receiver.until("the metrics", |received| received.number("standpipe_frames") == Some(3_000.0)).await;
    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(STOP_WITHIN).await.unwrap().code(), Some(0));
    way.receiver
        .until("the connection's end", |received| received.spans_named("connection").count() == 1)
        .await;
    way.receiver.until("the last line", |received| received.log_lines("leaving").count() == 1).await;

    let received = way.receiver.received();
    let host = rig.relay.addr().to_string();
    let sum = |name| {
        let values = received.spans_named("delivery").map(|span| attribute(&span.attributes, name));
        values.map(|value| value.unwrap().parse::<u64>().unwrap()).sum::<u64>()
    };
    assert_eq!((sum("frames"), sum("entries")), (FRAMES, entries));
    assert!(sum("bytes") > 0);
    let of = |span: &Span, name| attribute(&span.attributes, name).unwrap_or_default();
    let connection = received.spans_named("connection").next().unwrap();
    assert_eq!((of(connection, "host"), of(connection, "outcome")), (host.clone(), "stopped".to_owned()));
    let connect = received.spans_named("connect").next().unwrap();
    assert_eq!((of(connect, "outcome"), &connect.trace_id), ("connected".to_owned(), &connection.trace_id));
    for delivery in received.spans_named("delivery") {
        assert_eq!((of(delivery, "host"), of(delivery, "outcome")), (host.clone(), "applied".to_owned()));
        assert_eq!(delivery.links[0].trace_id, connection.trace_id);
        assert_ne!(delivery.trace_id, connection.trace_id);
    }
    println!("{} spans of deliveries, {} log records", received.spans.len(), received.logs.len());

    assert_eq!(received.number("standpipe_connections"), Some(1.0));
    let (kinds, ..) = received.numbers.iter().find(|(name, ..)| name == "standpipe_entries").unwrap();
    assert_eq!(kinds, "standpipe_entries");
    assert!(received.number("standpipe_entries") > Some(0.0));
    assert!(received.histograms.iter().any(|name| name == "standpipe_delivery_seconds"));

    let started = received.log_lines("child started").next().unwrap();
    assert_eq!(
        (started.severity_text.as_str(), attribute(&started.attributes, "host")),
        ("INFO", Some(host))
    );
    assert_eq!(received.log_lines("starting").count(), 1);
    for resource in &received.resources {
        let of = |name| attribute(&resource.attributes, name).unwrap_or_default();
        assert_eq!(of("service.name"), "standpipe-firehose");
        assert_eq!((of("deployment.environment"), of("team")), ("lab".to_owned(), "b".to_owned()));
        assert!(!of("service.version").is_empty() && !of("host.name").is_empty());
        assert_eq!(of("service.instance.id").len(), 36);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trace_arrives_when_none_is_sampled_and_the_rest_does() {
    let way = Way::straight().await;
    let mut rig = rig(500, &way.url()).await;
    rig.daemon.set("STANDPIPE_OTLP__SAMPLE", "0.0");
    rig.daemon.start().unwrap();
    rig.complete().await;
    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(STOP_WITHIN).await.unwrap().code(), Some(0));
    let received = way.receiver.received();
    assert_eq!(received.spans.len(), 0);
    assert_eq!(received.number("standpipe_frames"), Some(500.0));
    assert!(received.log_lines("leaving").count() == 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_signals_that_are_asked_for_are_sent() {
    let way = Way::straight().await;
    let mut rig = rig(500, &way.url()).await;
    rig.daemon.set("STANDPIPE_OTLP__SIGNALS", "metrics");
    rig.daemon.start().unwrap();
    rig.complete().await;
    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(STOP_WITHIN).await.unwrap().code(), Some(0));
    let received = way.receiver.received();
    assert_eq!(received.number("standpipe_frames"), Some(500.0));
    assert!(received.heads.iter().all(|head| head.starts_with("post /v1/metrics ")), "{:?}", received.heads);
}
