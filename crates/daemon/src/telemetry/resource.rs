use std::fmt::Write;
use std::path::{Path, absolute};

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, ResourceDetector, TelemetryResourceDetector};
use sha2::{Digest, Sha256};

use crate::settings::OtlpPlan;

/// Who sends: the daemon, its version, which one of them, and on which machine. What `OTEL_RESOURCE_ATTRIBUTES` says
/// stands over that, and what the settings say over both.
pub(super) fn of(daemon: &str, otlp: &OtlpPlan, state: &Path) -> Resource {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let instance = instance(daemon, &host, state);
    let own = [
        KeyValue::new("service.name", format!("standpipe-{daemon}")),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", instance),
        KeyValue::new("host.name", host),
    ];
    let detectors: [Box<dyn ResourceDetector>; 2] =
        [Box::new(TelemetryResourceDetector), Box::new(EnvResourceDetector::new())];
    let named = otlp.service_name.clone().map(|name| KeyValue::new("service.name", name));
    let written = otlp.resource.iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    Resource::builder_empty()
        .with_attributes(own)
        .with_detectors(&detectors)
        .with_attributes(named)
        .with_attributes(written)
        .build()
}

/// The same after every restart, so that series go on; another one for each daemon and folder, in the shape of a UUID
/// of version 8.
fn instance(daemon: &str, host: &str, state: &Path) -> String {
    let state = absolute(state).unwrap_or_else(|_| state.to_owned());
    let digest = Sha256::digest(format!("{daemon}\0{host}\0{}", state.display()));
    let mut text = String::with_capacity(36);
    for (place, byte) in digest.iter().take(16).enumerate() {
        let byte = match place {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_known_by_its_daemon_machine_and_folder() {
        let state = Path::new("/var/lib/standpipe");
        let one = instance("firehose", "a", state);
        assert_eq!(one, instance("firehose", "a", state));
        assert_ne!(one, instance("labeler", "a", state));
        assert_ne!(one, instance("firehose", "b", state));
        assert_ne!(one, instance("firehose", "a", Path::new("/srv")));
        assert_eq!(one.len(), 36);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(&one[14..15], "8");
    }
}
