//! Where telemetry goes, as people write it.

use super::*;

#[test]
fn nothing_is_sent_to_a_collector_unless_one_is_named() {
    assert!(plan(variables(&[HOST])).otlp.is_none());
    let grpc_without_a_collector = [HOST, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    assert!(plan(variables(&grpc_without_a_collector)).otlp.is_none());
    let disabled =
        [HOST, ("STANDPIPE_OTLP__ENDPOINT", "http://127.0.0.1:4318"), ("OTEL_SDK_DISABLED", "True")];
    assert!(plan(variables(&disabled)).otlp.is_none());
}

#[test]
fn the_standard_variables_of_opentelemetry_are_read_below_ours() {
    let standard = [
        HOST,
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.example/"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "15000"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x,x-tenant=7"),
        ("OTEL_SERVICE_NAME", "ingest"),
    ];
    let otlp = plan(variables(&standard)).otlp.unwrap();
    assert_eq!(otlp.endpoint, "https://otel.example");
    assert_eq!((otlp.timeout, otlp.metrics_every), (Duration::from_millis(2500), Duration::from_secs(15)));
    assert_eq!(otlp.headers.as_map()["authorization"], "Bearer x");
    assert_eq!((otlp.service_name.as_deref(), otlp.headers.as_map().len()), (Some("ingest"), 2));

    let ours = [("STANDPIPE_OTLP__ENDPOINT", "http://127.0.0.1:4318"), ("STANDPIPE_OTLP__SAMPLE", "0.25")];
    let otlp = plan(variables(&[standard.as_slice(), &ours].concat())).otlp.unwrap();
    assert_eq!((&*otlp.endpoint, otlp.sample.to_string()), ("http://127.0.0.1:4318", "0.25".to_owned()));
}

#[test]
fn a_collector_that_cannot_be_spoken_to_is_told_before_anything_starts() {
    let told = problems(variables(&[
        HOST,
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("STANDPIPE_OTLP__SIGNALS", "traces,profiles"),
        ("STANDPIPE_OTLP__SAMPLE", "2"),
        ("STANDPIPE_OTLP__RESOURCE", "nothing"),
        ("STANDPIPE_OTLP__HEADERS", "bad name=1"),
    ]));
    for place in [
        "OTEL_EXPORTER_OTLP_PROTOCOL: \"grpc\"",
        "STANDPIPE_OTLP__SIGNALS: \"profiles\"",
        "STANDPIPE_OTLP__SAMPLE: \"2\"",
        "STANDPIPE_OTLP__RESOURCE: write name=value",
        "STANDPIPE_OTLP__HEADERS: a header",
    ] {
        assert!(told.iter().any(|problem| problem.starts_with(place)), "{place} is not in {told:#?}");
    }
    assert_eq!(told.len(), 5, "{told:#?}");
}

#[test]
fn i12_no_way_to_write_a_collectors_secret_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("headers");
    fs::write(&file, "Authorization: Bearer hunter2\n").unwrap();
    let file = file.display().to_string();
    let endpoint = ("STANDPIPE_OTLP__ENDPOINT", "http://127.0.0.1:4318");
    for secret in [
        ("STANDPIPE_OTLP__HEADERS", "authorization=Bearer hunter2"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2"),
        ("STANDPIPE_OTLP__HEADERS_FILE", &*file),
    ] {
        let (plan, effective) = variables(&[HOST, endpoint, secret]).unwrap();
        assert_eq!(plan.otlp.as_ref().unwrap().headers.as_map()["authorization"], "Bearer hunter2");
        assert!(!format!("{plan:?} {effective:?} {effective}").contains("hunter2"), "{effective}");
    }
    for secret in ["http://u:hunter2@h:4318", "http://h:4318/?key=hunter2", "hunter2"] {
        let told = problems(variables(&[HOST, ("STANDPIPE_OTLP__ENDPOINT", secret)])).concat();
        assert!(told.starts_with("STANDPIPE_OTLP__ENDPOINT: ") && !told.contains("hunter2"), "{told}");
    }
}
