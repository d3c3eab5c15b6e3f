use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, Interest, set_default, set_global_default};
use tracing::{Event, Level, Metadata, Subscriber};

/// One log line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) level: Level,
    pub(crate) fields: BTreeMap<&'static str, String>,
}

impl Line {
    pub(crate) fn message(&self) -> &str {
        self.field("message").unwrap_or_default()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// The log of this thread, until it is dropped.
pub(crate) struct Lines {
    collected: Arc<Mutex<Vec<Line>>>,
    _guard: DefaultGuard,
}

impl Lines {
    pub(crate) fn collect() -> Self {
        keep_callsites_awake();
        let collector = Collector { listens: true, ..Collector::default() };
        Self { collected: Arc::clone(&collector.collected), _guard: set_default(collector) }
    }

    /// All lines with this message.
    pub(crate) fn with_message(&self, message: &str) -> Vec<Line> {
        let lines = self.collected.lock().unwrap();
        lines.iter().filter(|line| line.message() == message).cloned().collect()
    }
}

/// Sees to it that no line's place is put to sleep for good because it was first reached while nobody listened, just
/// before another thread began to. Comes before the first line.
pub(crate) fn keep_callsites_awake() {
    static AWAKE: Once = Once::new();
    AWAKE.call_once(|| set_global_default(Collector::default()).unwrap());
}

#[derive(Default)]
struct Collector {
    listens: bool,
    collected: Arc<Mutex<Vec<Line>>>,
    spans: AtomicU64,
}

impl Subscriber for Collector {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.listens && metadata.target().starts_with("standpipe_supervisor")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(BTreeMap::new());
        event.record(&mut fields);
        self.collected.lock().unwrap().push(Line { level: *event.metadata().level(), fields: fields.0 });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
