use std::time::Duration;

use standpipe_cursor::{Cursor, CursorError, CursorKey, CursorStore};
use standpipe_log_sink::{
    EmbeddedLog, FileCursors, Lines, LinesError, LogError, LogSettings, StateFolder, stored_cursor,
};
use standpipe_redis_sink::{Holder, RedisSettings, RedisSinks};
use tokio::io::{Sink, sink};
use tokio::time::sleep;

use super::CursorCommandError;
use crate::settings::{RedisPlan, SinkPlan, StorePlan};

/// How long a cursor is watched for a writer that moves it. One that moves without entries is stored within a second,
/// unless `batch.linger` says otherwise.
const WATCHED: Duration = Duration::from_secs(2);

/// Where the cursors of a sink are stored.
pub(super) enum Store {
    Redis {
        sinks: RedisSinks,
        address: String,
    },
    Log {
        log: EmbeddedLog,
        folder: StateFolder,
    },
    /// The embedded log, only to be read.
    LogBeside(StateFolder),
    Files {
        cursors: FileCursors,
        folder: StateFolder,
        /// Keeps a daemon from beginning meanwhile.
        _lock: Option<Lines<Sink>>,
    },
}

impl Store {
    /// Opens the store; for changes, so that no daemon can begin meanwhile, where that can be had.
    pub(super) async fn open(
        plan: StorePlan,
        stream: &'static str,
        field: &'static str,
        changes: bool,
        force: bool,
    ) -> Result<Self, CursorCommandError> {
        let folder = plan.state;
        match plan.sink {
            SinkPlan::Redis(RedisPlan { address, marks, deadlines }) => {
                let shown = address.to_string();
                let settings =
                    RedisSettings { marks, deadlines, ..RedisSettings::new(address, stream, field) };
                Ok(Self::Redis { sinks: RedisSinks::new(settings), address: shown })
            }
            SinkPlan::Log(_) if !changes => Ok(Self::LogBeside(folder)),
            SinkPlan::Log(retention) => {
                let settings = LogSettings { retention, ..LogSettings::new(folder.clone()) };
                match EmbeddedLog::open(settings).await {
                    Ok(log) => Ok(Self::Log { log, folder }),
                    Err(error @ LogError::InUse { .. }) => Err(CursorCommandError::Held(error)),
                    Err(error) => Err(CursorCommandError::Log(error)),
                }
            }
            SinkPlan::Stdout => {
                let lock = if changes && !force { Some(lock(&folder).await?) } else { None };
                Ok(Self::Files { cursors: FileCursors::new(folder.clone()), folder, _lock: lock })
            }
        }
    }

    /// What it is called; without any password.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Redis { address, .. } => address.clone(),
            Self::Log { folder, .. } | Self::LogBeside(folder) => folder.log_file().display().to_string(),
            Self::Files { folder, .. } => folder.path().join("cursors").display().to_string(),
        }
    }

    pub(super) async fn load(&self, key: &CursorKey) -> Result<Option<Cursor>, CursorError> {
        match self {
            Self::Redis { sinks, .. } => sinks.load(key).await,
            Self::Log { log, .. } => log.load(key).await,
            Self::LogBeside(folder) => stored_cursor(folder, key).await,
            Self::Files { cursors, .. } => cursors.load(key).await,
        }
    }

    pub(super) async fn save(&self, key: &CursorKey, cursor: &Cursor) -> Result<(), CursorError> {
        match self {
            Self::Redis { sinks, .. } => sinks.save(key, cursor).await,
            Self::Log { log, .. } => log.save(key, cursor).await,
            Self::LogBeside(_) => Err(read_only()),
            Self::Files { cursors, .. } => cursors.save(key, cursor).await,
        }
    }

    pub(super) async fn clear(&self, key: &CursorKey) -> Result<(), CursorError> {
        match self {
            Self::Redis { sinks, .. } => sinks.clear(key).await,
            Self::Log { log, .. } => log.clear(key).await,
            Self::LogBeside(_) => Err(read_only()),
            Self::Files { cursors, .. } => cursors.clear(key).await,
        }
    }

    /// Who writes this host's cursor at the moment, in a sentence, as far as the store can tell.
    pub(super) async fn writer(
        &self,
        key: &CursorKey,
        before: Option<&Cursor>,
    ) -> Result<Option<String>, CursorCommandError> {
        let Self::Redis { sinks, .. } = self else { return Ok(None) };
        let holder = || async { sinks.holder(key).await.map_err(CursorCommandError::Redis) };
        let first = holder().await?;
        if let Some(Holder { writer, connected: Some(true) }) = &first {
            return Ok(Some(format!("the writer {writer} of {} is connected to Redis", key.host())));
        }
        sleep(WATCHED).await;
        let moved = sinks.load(key).await?.as_ref() != before || holder().await? != first;
        Ok(moved.then(|| format!("the cursor of {} moves while it is looked at", key.host())))
    }
}

/// Takes the place of the daemon that writes lines.
async fn lock(folder: &StateFolder) -> Result<Lines<Sink>, CursorCommandError> {
    match Lines::open(folder.clone(), sink()).await {
        Ok(lines) => Ok(lines),
        Err(LinesError::InUse { path }) => {
            let what = format!("a process holds {}", path.display());
            Err(CursorCommandError::Writing { what })
        }
        Err(error) => Err(CursorCommandError::Lines(error)),
    }
}

fn read_only() -> CursorError {
    CursorError::Refused("the log was opened for reading".into())
}
