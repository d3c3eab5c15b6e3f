use tracing_subscriber::{Layer, Registry, fmt};

use super::{BoxedLayer, SPANS, filter};
use crate::settings::LogFormat;
use crate::terminal::Terminal;

/// The layer that writes log lines.
///
/// JSON lines have `timestamp`, `level`, `target`, `message` and the event's own fields at the top, and the fields of
/// the span around it, such as `child` and `host`, under `span`. Spans that are only exported are none of these.
pub(super) fn layer(directives: &str, terminal: &Terminal) -> BoxedLayer {
    format(terminal).with_filter(filter(directives, &[SPANS])).boxed()
}

fn format(terminal: &Terminal) -> Box<dyn Layer<Registry> + Send + Sync> {
    let layer = fmt::layer().with_writer(terminal.writer()).log_internal_errors(false);
    match terminal.format() {
        LogFormat::Human => layer.with_ansi(terminal.has_color()).with_target(false).boxed(),
        LogFormat::Json => {
            layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    }
}
