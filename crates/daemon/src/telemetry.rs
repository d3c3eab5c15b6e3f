//! Where log lines go, and what is sent to a collector.

mod account;
mod bounded;
mod client;
mod export;
mod lines;
mod resource;

use std::time::Duration;

use opentelemetry_sdk::metrics::{MeterProviderBuilder, SdkMeterProvider};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use self::export::Export;
use crate::StartError;
use crate::settings::Plan;
use crate::terminal::Terminal;

/// The target of spans that are made for the collector alone. No log line shows them, so that they cost one check of
/// a flag where nothing is sent.
pub(crate) const SPANS: &str = "standpipe::spans";

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// What is sent to a collector, if anything is.
pub(crate) struct Telemetry {
    export: Option<Export>,
}

impl Telemetry {
    /// Nothing is sent.
    pub(crate) fn off() -> Self {
        Self { export: None }
    }

    /// Installs the one subscriber of this process: log lines, and what is sent to a collector where one is named.
    ///
    /// Not to be called within a runtime.
    ///
    /// # Errors
    ///
    /// [`StartError::Telemetry`] when another subscriber is there, [`StartError::Export`] when the environment asks
    /// for what cannot be had.
    pub(crate) fn install(daemon: &str, plan: &Plan, terminal: &Terminal) -> Result<Self, StartError> {
        let mut layers = vec![lines::layer(&plan.log.filter, terminal)];
        let export = match &plan.otlp {
            Some(otlp) => {
                let resource = resource::of(daemon, otlp, plan.state.path());
                let export =
                    Export::open(otlp, resource, plan.roots_file.as_deref()).map_err(StartError::Export)?;
                layers.extend(export.layers(&plan.log.filter));
                Some(export)
            }
            None => None,
        };
        tracing_subscriber::registry().with(layers).try_init().map_err(StartError::Telemetry)?;
        if let Some(otlp) = &plan.otlp {
            let (endpoint, signals, sample) = (&*otlp.endpoint, otlp.signals, otlp.sample);
            let (traces, metrics, logs) = (signals.traces, signals.metrics, signals.logs);
            tracing::info!(endpoint, traces, metrics, logs, sample, "sending telemetry");
        }
        Ok(Self { export })
    }

    /// Builds a provider of metrics, which are sent as well where they are asked for.
    pub(crate) fn meter_provider(&self, builder: MeterProviderBuilder) -> SdkMeterProvider {
        match &self.export {
            Some(export) => export.meter_provider(builder),
            None => builder.build(),
        }
    }

    /// Sends what is left, for no longer than this. Blocks, so not to be called within a runtime.
    pub(crate) fn close(self, within: Duration) {
        if let Some(export) = self.export
            && !export.close(within)
        {
            tracing::warn!("the collector did not take the last of the telemetry in time");
        }
    }
}

/// The operator's filter, without what has these targets.
fn filter(directives: &str, without: &[&str]) -> EnvFilter {
    let filter = EnvFilter::builder().parse_lossy(directives);
    let off = without.iter().filter_map(|target| format!("{target}=off").parse().ok());
    off.fold(filter, EnvFilter::add_directive)
}

#[cfg(test)]
mod tests {
    use tracing::info_span;

    use super::*;
    use crate::settings::LogFormat;
    use crate::terminal::Output;

    #[test]
    fn without_a_collector_a_span_is_never_more_than_a_check_whatever_lines_are_wanted() {
        for directives in ["info,fred=error", "trace", "standpipe=trace,standpipe_supervisor=info"] {
            let terminal = Terminal::find(Some(LogFormat::Json), Output::Stderr, &[]);
            let subscriber = tracing_subscriber::registry().with(vec![lines::layer(directives, &terminal)]);
            tracing::subscriber::with_default(subscriber, || {
                assert!(info_span!(target: SPANS, "delivery").is_disabled(), "{directives}");
                assert!(!info_span!(target: "standpipe_supervisor", "child").is_disabled(), "{directives}");
            });
        }
    }
}
