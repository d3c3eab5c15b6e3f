//! An OTLP receiver over HTTP that decodes what it gets with the messages of the specification.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use standpipe_oracle::RigError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;

use crate::rig::{LOOK_EVERY, PATIENCE};

/// What one receiver does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Takes,
    /// Answers 503.
    Refuses,
    /// Reads it and never answers.
    IsSilent,
}

/// Everything that arrived.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) spans: Vec<Span>,
    pub(crate) logs: Vec<LogRecord>,
    pub(crate) resources: Vec<Resource>,
    /// The last value of each series of numbers, by the metric's name and its attributes.
    pub(crate) numbers: Vec<(String, Vec<KeyValue>, f64)>,
    pub(crate) histograms: Vec<String>,
    /// The heads of all requests.
    pub(crate) heads: Vec<String>,
}

pub(crate) struct Receiver {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
    manner: Arc<Mutex<Manner>>,
    tls: Option<TlsAcceptor>,
    serving: Option<AbortHandle>,
    tasks: JoinSet<()>,
}

impl Receiver {
    pub(crate) async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut receiver = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
            manner: Arc::new(Mutex::new(Manner::Takes)),
            tls,
            serving: None,
            tasks: JoinSet::new(),
        };
        receiver.serve(listener);
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.address)
    }

    pub(crate) fn set_manner(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub(crate) fn received(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap()
    }

    /// Closes the port and every connection.
    pub(crate) async fn kill(&mut self) {
        self.serving = None;
        self.tasks.shutdown().await;
    }

    pub(crate) async fn restart(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }

    /// Waits until what arrived is as wanted.
    pub(crate) async fn until(&self, what: &'static str, wanted: impl Fn(&Received) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(&self.received()) {
            let late = RigError::Deadline { what, after: PATIENCE };
            assert!(Instant::now() < deadline, "{late}; {} requests came", self.received().heads.len());
            sleep(LOOK_EVERY).await;
        }
    }

    fn serve(&mut self, listener: TcpListener) {
        let (received, manner, tls) =
            (Arc::clone(&self.received), Arc::clone(&self.manner), self.tls.clone());
        let serving = self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (received, manner, tls) = (Arc::clone(&received), Arc::clone(&manner), tls.clone());
                connections.spawn(async move {
                    // A client that gives up, or does not trust us, is no fault here.
                    let _ = match tls {
                        None => exchange(socket, &received, &manner).await,
                        Some(tls) => match tls.accept(socket).await {
                            Ok(socket) => exchange(socket, &received, &manner).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        self.serving = Some(serving);
    }
}

async fn exchange(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    received: &Mutex<Received>,
    manner: &Mutex<Manner>,
) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let head_end = loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if socket.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&buffer[..head_end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap();
        while buffer.len() < head_end + length {
            if socket.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        let mut body: Vec<u8> = buffer.drain(..head_end + length).skip(head_end).collect();
        if head.contains("content-encoding: gzip") {
            let packed = std::mem::take(&mut body);
            GzDecoder::new(packed.as_slice()).read_to_end(&mut body)?;
        }
        let manner = *manner.lock().unwrap();
        match manner {
            Manner::IsSilent => {}
            Manner::Refuses => {
                socket.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await?;
            }
            Manner::Takes => {
                received.lock().unwrap().take(head, &body);
                let answer =
                    "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
                socket.write_all(answer.as_bytes()).await?;
            }
        }
    }
}

impl Received {
    fn take(&mut self, head: String, body: &[u8]) {
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        self.heads.push(head);
        match path.as_str() {
            "/v1/traces" => {
                for part in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
                    self.resources.extend(part.resource);
                    self.spans.extend(part.scope_spans.into_iter().flat_map(|scope| scope.spans));
                }
            }
            "/v1/logs" => {
                for part in ExportLogsServiceRequest::decode(body).unwrap().resource_logs {
                    self.resources.extend(part.resource);
                    self.logs.extend(part.scope_logs.into_iter().flat_map(|scope| scope.log_records));
                }
            }
            "/v1/metrics" => {
                for part in ExportMetricsServiceRequest::decode(body).unwrap().resource_metrics {
                    self.resources.extend(part.resource);
                    let metrics = part.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
                    metrics.for_each(|metric| self.take_metric(metric.name, metric.data));
                }
            }
            other => panic!("a request for {other}"),
        }
    }

    fn take_metric(&mut self, name: String, data: Option<Data>) {
        let points = match data {
            Some(Data::Gauge(gauge)) => gauge.data_points,
            Some(Data::Sum(sum)) => sum.data_points,
            Some(Data::Histogram(_)) => {
                self.histograms.push(name);
                return;
            }
            other => panic!("{name} is {other:?}"),
        };
        for point in points {
            let value = match point.value {
                Some(Number::AsDouble(value)) => value,
                #[expect(clippy::cast_precision_loss, reason = "numbers of a test are small")]
                Some(Number::AsInt(value)) => value as f64,
                None => continue,
            };
            let mut attributes = point.attributes;
            attributes.sort_by(|one, other| one.key.cmp(&other.key));
            self.numbers.retain(|(known, labels, _)| *known != name || *labels != attributes);
            self.numbers.push((name.clone(), attributes, value));
        }
    }

    /// The last value of a metric, summed over its series.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        let values = self.numbers.iter().filter(|(known, ..)| known == name).map(|(.., value)| value);
        values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }

    pub(crate) fn spans_named(&self, name: &str) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(move |span| span.name == name)
    }

    pub(crate) fn log_lines(&self, message: &str) -> impl Iterator<Item = &LogRecord> {
        self.logs.iter().filter(move |record| {
            let body = record.body.as_ref().and_then(|body| body.value.as_ref());
            matches!(body, Some(Value::StringValue(text)) if text == message)
        })
    }
}

/// One attribute, as text.
pub(crate) fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum; nothing else is sent")]
    Some(match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(bool) => bool.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        other => panic!("{name} is {other:?}"),
    })
}
