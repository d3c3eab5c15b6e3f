use std::io::{self, IsTerminal};

use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::StartError;
use crate::settings::{LogFormat, LogLines};

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Stdout,
    /// While standard output carries entries.
    Stderr,
}

impl Output {
    fn is_terminal(self) -> bool {
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
        }
    }

    fn writer(self) -> BoxMakeWriter {
        match self {
            Self::Stdout => BoxMakeWriter::new(io::stdout),
            Self::Stderr => BoxMakeWriter::new(io::stderr),
        }
    }
}

/// Installs the one subscriber of this process. Further layers stand beside the one for lines.
///
/// JSON lines have `timestamp`, `level`, `target`, `message` and the event's own fields at the top, and the fields of
/// the span around it, such as `child` and `host`, under `span`.
///
/// # Errors
///
/// [`StartError::Telemetry`] when another subscriber is there.
pub(crate) fn install(lines: &LogLines, output: Output) -> Result<(), StartError> {
    let filter = EnvFilter::builder().parse_lossy(&lines.filter);
    let layer = lines_layer(lines.format, output).with_filter(filter);
    tracing_subscriber::registry().with(layer).try_init().map_err(StartError::Telemetry)
}

fn lines_layer(format: Option<LogFormat>, output: Output) -> Box<dyn Layer<Registry> + Send + Sync> {
    let by_terminal = if output.is_terminal() { LogFormat::Human } else { LogFormat::Json };
    let layer = fmt::layer().with_writer(output.writer()).log_internal_errors(false);
    match format.unwrap_or(by_terminal) {
        LogFormat::Human => layer.with_ansi(output.is_terminal()).with_target(false).boxed(),
        LogFormat::Json => {
            layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    }
}
