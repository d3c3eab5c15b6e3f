use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::keys;
use super::reader::Reader;
use super::written::{duration, quoted, text, word};
use super::{Flaw, Key};

/// Where telemetry goes, and what of it.
#[derive(Debug)]
pub struct OtlpPlan {
    /// The collector, without a slash at the end: `http://127.0.0.1:4318`.
    pub endpoint: String,
    /// What is sent.
    pub signals: Signals,
    /// The part of the traces that is kept, from 0 to 1.
    pub sample: f64,
    /// What the collector wants to see with each request.
    pub headers: SecretHeaders,
    /// Attributes of all that is sent, over those that are known without a word.
    pub resource: Vec<(String, String)>,
    /// `service.name`, where it is not the daemon's.
    pub service_name: Option<String>,
    /// The longest that one request may take, with its repeats.
    pub timeout: Duration,
    /// From one export of the metrics to the next.
    pub metrics_every: Duration,
}

/// The kinds of telemetry that are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signals {
    /// Spans of connections and deliveries.
    pub traces: bool,
    /// What `/metrics` shows.
    pub metrics: bool,
    /// Log lines.
    pub logs: bool,
}

/// HTTP headers, whose values are never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretHeaders(HeaderMap);

impl SecretHeaders {
    /// The headers, each marked as sensitive.
    #[must_use]
    pub fn as_map(&self) -> &HeaderMap {
        &self.0
    }

    /// What was written replaces an earlier value of the same name.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Flaw> {
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| Flaw::Header)?;
        let mut value = HeaderValue::from_str(value.trim()).map_err(|_| Flaw::Header)?;
        value.set_sensitive(true);
        self.0.insert(name, value);
        Ok(())
    }
}

impl fmt::Debug for SecretHeaders {
    /// Shows the names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// Reads the settings of the export, so that a flaw in one is told even where nothing is exported.
pub(super) fn read_otlp(reader: &mut Reader<'_>) -> Option<OtlpPlan> {
    let endpoint = reader.read_optional(keys::OTLP_ENDPOINT, |value| endpoint(&text(value)?));
    let disabled = reader.read(keys::OTLP_DISABLED, |value| {
        word(&text(value)?.to_ascii_lowercase().into(), &["true", "false"], &[true, false])
    });
    let protocol = reader.read(keys::OTLP_PROTOCOL, text);
    if endpoint.is_some() && !disabled && protocol != "http/protobuf" {
        reader.refuse(keys::OTLP_PROTOCOL, Flaw::Protocol { found: quoted(&protocol) });
    }
    let signals = read_signals(reader);
    let sample = reader.read(keys::OTLP_SAMPLE, |value| ratio(&text(value)?));
    let headers = read_headers(reader);
    let resource = reader.read_list(keys::OTLP_RESOURCE, pair);
    let service_name = reader.read_optional(keys::OTLP_SERVICE_NAME, text);
    let timeout = reader.read(keys::OTLP_TIMEOUT, |value| {
        duration(value, Duration::from_millis(100)..=Duration::from_mins(1))
    });
    let metrics_every = reader.read(keys::OTLP_METRICS_EVERY, |value| {
        duration(value, Duration::from_millis(100)..=Duration::from_hours(1))
    });
    let endpoint = endpoint.filter(|_| !disabled)?;
    Some(OtlpPlan { endpoint, signals, sample, headers, resource, service_name, timeout, metrics_every })
}

fn read_signals(reader: &mut Reader<'_>) -> Signals {
    const WORDS: &[&str] = &["traces", "metrics", "logs"];
    let named = reader.read_list(keys::OTLP_SIGNALS, |name| word(&name.into(), WORDS, WORDS));
    let has = |signal| named.contains(&signal);
    Signals { traces: has("traces"), metrics: has("metrics"), logs: has("logs") }
}

fn read_headers(reader: &mut Reader<'_>) -> SecretHeaders {
    let mut headers = SecretHeaders::default();
    let written = reader.read_list(keys::OTLP_HEADERS, |header| {
        let (name, value) = pair(header)?;
        SecretHeaders::default().set(&name, &value)?;
        Ok((name, value))
    });
    let filed = reader.read_optional(keys::OTLP_HEADERS_FILE, |value| {
        let path = PathBuf::from(text(value)?);
        match fs::read_to_string(&path) {
            Ok(lines) => header_lines(&lines),
            Err(source) => Err(Flaw::File { path, source }),
        }
    });
    for (name, value) in written.into_iter().chain(filed.unwrap_or_default()) {
        // Each was found sound when it was read.
        let _ = headers.set(&name, &value);
    }
    headers
}

/// One `Name: value` a line, as HTTP has it.
fn header_lines(lines: &str) -> Result<Vec<(String, String)>, Flaw> {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    let header = |line: &str| {
        let (name, value) = line.split_once(':').ok_or(Flaw::Header)?;
        SecretHeaders::default().set(name, value)?;
        Ok((name.to_owned(), value.to_owned()))
    };
    lines.map(header).collect()
}

/// The base address of a collector. It carries no credentials, so that it can be shown.
fn endpoint(written: &str) -> Result<String, Flaw> {
    let url = Url::parse(written).map_err(|_| Flaw::Collector)?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    if is_plain && is_http { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(Flaw::Collector) }
}

fn ratio(written: &str) -> Result<f64, Flaw> {
    let ratio = written.parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| Flaw::Ratio { found: quoted(written) })
}

/// `name=value`, the value percent-encoded where it holds what separates pairs.
fn pair(written: &str) -> Result<(String, String), Flaw> {
    let (name, value) = written.split_once('=').ok_or(Flaw::Pair)?;
    let name = name.trim();
    if name.is_empty() {
        return Err(Flaw::Pair);
    }
    Ok((name.to_owned(), percent_decoded(value.trim())?))
}

fn percent_decoded(text: &str) -> Result<String, Flaw> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| first == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(first));
        rest = if decoded.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).map_err(|_| Flaw::Pair)
}

/// The names of headers as they are shown.
pub(super) fn masked_headers(written: &str) -> String {
    let name = |header: &str| header.split('=').next().unwrap_or_default().trim().to_owned();
    let names = written.split(',').filter(|header| header.contains('='));
    let shown: Vec<_> = names.map(|header| format!("{}=***", name(header))).collect();
    if shown.is_empty() { "***".to_owned() } else { shown.join(",") }
}

/// Whether the origin of this setting writes durations as plain milliseconds.
pub(super) fn is_in_millis(key: &Key) -> bool {
    [keys::OTLP_TIMEOUT, keys::OTLP_METRICS_EVERY].iter().any(|other| other.path == key.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_plain_url_and_carries_no_secret() {
        for (written, read) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318"),
            ("https://otel.example/otlp/", "https://otel.example/otlp"),
        ] {
            assert_eq!(endpoint(written).unwrap(), read);
        }
        for written in [
            "127.0.0.1:4318",
            "grpc://h:4317",
            "http://u:hunter2@h",
            "http://h/?key=hunter2",
            "http://h#x",
            "",
        ] {
            let flaw = endpoint(written).unwrap_err();
            assert!(!flaw.to_string().contains("hunter2"), "{flaw}");
        }
    }

    #[test]
    fn a_pair_is_percent_encoded_where_it_has_to_be() {
        for (written, name, value) in [
            ("authorization=Bearer%20x", "authorization", "Bearer x"),
            (" a = b=c ", "a", "b=c"),
            ("a=100%", "a", "100%"),
            ("a=%2C%zz", "a", ",%zz"),
            ("a=", "a", ""),
        ] {
            assert_eq!(pair(written).unwrap(), (name.to_owned(), value.to_owned()));
        }
        for written in ["", "a", "=b", "a=%ff"] {
            assert!(matches!(pair(written), Err(Flaw::Pair)), "{written}");
        }
    }

    #[test]
    fn i12_headers_are_shown_by_name_alone() {
        let mut headers = SecretHeaders::default();
        headers.set("Authorization", "Bearer hunter2").unwrap();
        assert_eq!(format!("{headers:?}"), "[\"authorization\"]");
        assert_eq!(
            masked_headers("authorization=Bearer hunter2, x-key=hunter2"),
            "authorization=***,x-key=***"
        );
        assert_eq!(masked_headers("hunter2"), "***");
        assert!(!format!("{:?}", headers.as_map()).contains("hunter2"));
    }

    #[test]
    fn a_file_of_headers_is_written_as_http_has_them() {
        let lines = header_lines("Authorization: Bearer a:b\r\n\nX-Key: 1\n").unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].1.trim(), "Bearer a:b");
        for wrong in ["no colon", "bad name: x", ": x"] {
            assert!(matches!(header_lines(wrong), Err(Flaw::Header)), "{wrong}");
        }
    }

    #[test]
    fn a_ratio_is_between_nothing_and_all() {
        assert_eq!(ratio("0.25").unwrap().to_string(), "0.25");
        for written in ["-0.1", "1.1", "NaN", "half", ""] {
            assert!(matches!(ratio(written), Err(Flaw::Ratio { .. })), "{written}");
        }
    }
}
