use std::io::{self, IsTerminal};

use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::{Layer, Registry, fmt};

use super::{BoxedLayer, SPANS, filter};
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

/// The layer that writes log lines.
///
/// JSON lines have `timestamp`, `level`, `target`, `message` and the event's own fields at the top, and the fields of
/// the span around it, such as `child` and `host`, under `span`. Spans that are only exported are none of these.
pub(super) fn layer(lines: &LogLines, output: Output) -> BoxedLayer {
    format(lines.format, output).with_filter(filter(&lines.filter, &[SPANS])).boxed()
}

fn format(format: Option<LogFormat>, output: Output) -> Box<dyn Layer<Registry> + Send + Sync> {
    let by_terminal = if output.is_terminal() { LogFormat::Human } else { LogFormat::Json };
    let layer = fmt::layer().with_writer(output.writer()).log_internal_errors(false);
    match format.unwrap_or(by_terminal) {
        LogFormat::Human => layer.with_ansi(output.is_terminal()).with_target(false).boxed(),
        LogFormat::Json => {
            layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    }
}
