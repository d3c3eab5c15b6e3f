use std::time::Duration;

use standpipe_cursor::CursorKey;
use standpipe_log_sink::{EmbeddedLog, Lines, LogSettings, StateFolder};
use standpipe_redis_sink::{Probe, RedisError, RedisSettings, RedisSinks};
use standpipe_supervisor::chain;
use tokio::io::{Stdout, stdout};
use tokio::time::sleep;

use crate::StartError;
use crate::settings::{RedisPlan, SinkPlan};
use crate::stream::Stream;

/// How often the sink is looked at, besides what deliveries say.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The sink that was chosen, opened and found fit. Clones are the same sink.
#[derive(Clone)]
pub(crate) enum Sinks {
    Redis(RedisSinks),
    Log(EmbeddedLog),
    Lines(Lines<Stdout>),
}

impl Sinks {
    /// Opens what the plan names, and looks whether it can serve these hosts.
    ///
    /// A server that does not answer is no reason not to start: writers wait for it.
    ///
    /// # Errors
    ///
    /// [`StartError::Sink`] for what waiting does not cure.
    pub(crate) async fn open(
        plan: &SinkPlan,
        state: &StateFolder,
        (stream, field): (&'static str, &'static str),
        keys: &[CursorKey],
    ) -> Result<Self, StartError> {
        match plan {
            SinkPlan::Redis(RedisPlan { address, marks, deadlines }) => {
                let settings = RedisSettings {
                    marks: *marks,
                    deadlines: *deadlines,
                    ..RedisSettings::new(address.clone(), stream, field)
                };
                let sinks = RedisSinks::new(settings);
                check(&sinks, keys).await?;
                Ok(Self::Redis(sinks))
            }
            SinkPlan::Log(retention) => {
                let settings =
                    LogSettings { retention: retention.clone(), ..LogSettings::new(state.clone()) };
                let log =
                    EmbeddedLog::open(settings).await.map_err(|error| StartError::Sink(error.into()))?;
                tracing::info!(file = %state.log_file().display(), "writing to the embedded log");
                Ok(Self::Log(log))
            }
            SinkPlan::Stdout => {
                let lines = Lines::open(state.clone(), stdout()).await;
                lines.map(Self::Lines).map_err(|error| StartError::Sink(error.into()))
            }
        }
    }

    /// Looks at the sink for as long as there is something to look for. Completes when nobody will read what is
    /// written any more. Cancel-safe.
    pub(crate) async fn watch(&self, stream: Stream) {
        match self {
            Self::Redis(sinks) => look(sinks.probe(), stream).await,
            Self::Log(_) => std::future::pending().await,
            Self::Lines(lines) => lines.reader_gone().await,
        }
    }
}

async fn check(sinks: &RedisSinks, keys: &[CursorKey]) -> Result<(), StartError> {
    match sinks.check(keys).await {
        Ok(findings) => {
            tracing::info!(server = findings.server, "the sink answers");
            for setting in findings.unread {
                tracing::info!(setting, "the sink does not show this setting, so it was not checked");
            }
            for concern in findings.concerns {
                tracing::warn!(%concern, "what is acknowledged may be lost by the sink");
            }
            Ok(())
        }
        Err(error @ RedisError::Unreachable(_)) => {
            tracing::warn!(cause = chain(&error), "the sink does not answer; waiting for it");
            Ok(())
        }
        Err(error) => Err(StartError::Sink(error.into())),
    }
}

async fn look(mut probe: Probe, stream: Stream) {
    loop {
        match probe.backlog().await {
            Ok(backlog) => stream.has(backlog),
            Err(error) => stream.is_silent(chain(&error)),
        }
        sleep(LOOK_EVERY).await;
    }
}
