use std::path::Path;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_appender_tracing::layer::{OpenTelemetryTracingBridge, TracingSpanAttributes};
use opentelemetry_otlp::{
    LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{self, BatchLogProcessor, SdkLoggerProvider};
use opentelemetry_sdk::metrics::{MeterProviderBuilder, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{self, BatchSpanProcessor, Sampler, SdkTracerProvider};
use standpipe_supervisor::BoxError;
use tokio::time::Instant;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;

use super::account::{Account, QUEUE};
use super::bounded::{Counted, Entrance};
use super::client::{self, Client};
use super::{BoxedLayer, SPANS, filter};
use crate::settings::OtlpPlan;

/// How many leave in one request at most.
const BATCH: usize = 512;
/// How long they wait for others to come along.
const LINGER: Duration = Duration::from_secs(1);

/// Log lines of these are never sent: the export would then tell of itself for ever.
const OWN: &[&str] = &[
    SPANS,
    "standpipe_daemon::telemetry",
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry_otlp",
    "opentelemetry_http",
    "reqwest",
    "hyper",
    "hyper_util",
    "rustls",
];

/// What tells whose child a log line is about.
const WHOSE: [&str; 3] = ["child", "host", "incarnation"];

/// What is sent to a collector, each signal from a thread of its own.
pub(super) struct Export {
    traces: Option<SdkTracerProvider>,
    logs: Option<SdkLoggerProvider>,
    metrics: Option<PeriodicReader<Counted<MetricExporter>>>,
    /// Kept until all is closed, since the last one to drop it would block.
    meter_provider: OnceLock<SdkMeterProvider>,
    resource: Resource,
}

impl Export {
    pub(super) fn open(
        otlp: &OtlpPlan,
        resource: Resource,
        roots_file: Option<&Path>,
    ) -> Result<Self, BoxError> {
        let pool = client::pool(otlp.timeout, roots_file)?;
        let way = |signal| {
            let account = Arc::new(Account::new(signal));
            let headers = otlp.headers.as_map().clone();
            (Client { pool: pool.clone(), headers, account: Arc::clone(&account) }, account)
        };
        let signals = otlp.signals;
        let traces = signals.traces.then(|| traces(otlp, &resource, way("traces"))).transpose()?;
        let logs = signals.logs.then(|| logs(otlp, &resource, way("logs"))).transpose()?;
        let metrics = signals.metrics.then(|| metrics(otlp, way("metrics"))).transpose()?;
        Ok(Self { traces, logs, metrics, meter_provider: OnceLock::new(), resource })
    }

    /// What hears spans and events. `directives` say which log lines are wanted.
    pub(super) fn layers(&self, directives: &str) -> Vec<BoxedLayer> {
        let spans = self.traces.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("standpipe"))
                .with_location(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_target(false)
                .with_level(false)
                .with_filter(filter_fn(|metadata| metadata.is_span() && metadata.target() == SPANS))
                .boxed()
        });
        let lines = self.logs.as_ref().map(|provider| {
            OpenTelemetryTracingBridge::builder(provider)
                .with_tracing_span_attributes(TracingSpanAttributes::allowlist(WHOSE))
                .build()
                .with_filter(filter(directives, OWN))
                .boxed()
        });
        spans.into_iter().chain(lines).collect()
    }

    pub(super) fn meter_provider(&self, builder: MeterProviderBuilder) -> SdkMeterProvider {
        let Some(reader) = self.metrics.clone() else { return builder.build() };
        let provider = builder.with_reader(reader).with_resource(self.resource.clone()).build();
        let _ = self.meter_provider.set(provider.clone());
        provider
    }

    /// Sends what is left; answers whether all of that ended in time.
    pub(super) fn close(self, within: Duration) -> bool {
        let Self { traces, logs, metrics, meter_provider, resource: _ } = self;
        let deadline = Instant::now() + within;
        let (over, is_over) = mpsc::channel();
        let mut awaited = 0;
        let mut close = |work: Box<dyn FnOnce() + Send>| {
            let over = over.clone();
            awaited += 1;
            // It is left behind where it does not end in time; the process ends all the same.
            thread::spawn(move || {
                work();
                let _ = over.send(());
            });
        };
        if let Some(provider) = traces {
            close(Box::new(move || drop(provider.shutdown_with_timeout(within))));
        }
        if let Some(provider) = logs {
            close(Box::new(move || drop(provider.shutdown_with_timeout(within))));
        }
        if let Some(provider) = meter_provider.into_inner() {
            close(Box::new(move || {
                drop(provider.shutdown_with_timeout(within));
                drop(metrics);
            }));
        }
        (0..awaited).all(|_| is_over.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok())
    }
}

type Way = (Client, Arc<Account>);

/// The address, the client and the time of one exporter.
macro_rules! over_http {
    ($exporter:ident, $otlp:expr, $path:literal, $client:expr) => {
        $exporter::builder()
            .with_http()
            .with_endpoint(format!("{}{}", $otlp.endpoint, $path))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout($otlp.timeout)
            .with_http_client($client)
            .build()
    };
}

fn traces(
    otlp: &OtlpPlan,
    resource: &Resource,
    (client, account): Way,
) -> Result<SdkTracerProvider, BoxError> {
    let exporter = over_http!(SpanExporter, otlp, "/v1/traces", client)?;
    let exporter = Counted { exporter, account: Arc::clone(&account) };
    let config = trace::BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(LINGER)
        .build();
    let queue = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(otlp.sample)));
    Ok(SdkTracerProvider::builder()
        .with_sampler(sampler)
        .with_resource(resource.clone())
        .with_span_processor(Entrance { queue, account })
        .build())
}

fn logs(otlp: &OtlpPlan, resource: &Resource, (client, account): Way) -> Result<SdkLoggerProvider, BoxError> {
    let exporter = over_http!(LogExporter, otlp, "/v1/logs", client)?;
    let exporter = Counted { exporter, account: Arc::clone(&account) };
    let config = logs::BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(LINGER)
        .build();
    let queue = BatchLogProcessor::builder(exporter).with_batch_config(config).build();
    Ok(SdkLoggerProvider::builder()
        .with_resource(resource.clone())
        .with_log_processor(Entrance { queue, account })
        .build())
}

fn metrics(
    otlp: &OtlpPlan,
    (client, account): Way,
) -> Result<PeriodicReader<Counted<MetricExporter>>, BoxError> {
    let exporter = over_http!(MetricExporter, otlp, "/v1/metrics", client)?;
    let exporter = Counted { exporter, account };
    Ok(PeriodicReader::builder(exporter).with_interval(otlp.metrics_every).build())
}
