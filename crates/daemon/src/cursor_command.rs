//! What an operator asks and says about the cursor of one host, while no daemon writes it.

mod store;

use standpipe_cursor::{Cursor, CursorError, Seq};
use standpipe_log_sink::{LinesError, LogError};
use standpipe_redis_sink::RedisError;
use thiserror::Error;

use crate::healthcheck;
use crate::host::{Host as _, Labeler};
use crate::settings::StorePlan;

use store::Store;

/// What to do with the cursor of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorCommand {
    /// What to do.
    pub task: CursorTask,
    /// Whose cursor.
    pub host: Labeler,
    /// Which mark beside the cursor is meant instead, such as `gaps`.
    pub mark: Option<String>,
    /// Whether it is done although a daemon seems to write.
    pub force: bool,
}

/// What can be done with a stored cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorTask {
    /// It is shown.
    Show,
    /// It is set to this seq: the host goes on with the event after it.
    Set(Seq),
    /// It is removed: the host is begun as one that was never read.
    Clear,
}

/// Why a cursor was not shown or changed.
#[derive(Debug, Error)]
pub(crate) enum CursorCommandError {
    /// A daemon would be overtaken.
    #[error("{what}; stop that daemon first, or write --force")]
    Writing { what: String },
    /// The log is held by a process, and nobody else can write it.
    #[error(
        "a process has the embedded log open, and only one can; stop that daemon first (--force does not help)"
    )]
    Held(#[source] LogError),
    #[error("open the log")]
    Log(#[source] LogError),
    #[error("use the folder of cursors")]
    Lines(#[source] LinesError),
    #[error("ask Redis")]
    Redis(#[source] RedisError),
    #[error(transparent)]
    Cursor(#[from] CursorError),
}

/// Does what was asked, and tells it line by line.
///
/// # Errors
///
/// [`CursorCommandError`]: nothing was changed.
pub(crate) async fn run(
    command: CursorCommand,
    plan: StorePlan,
    (daemon, stream, field): (&str, &'static str, &'static str),
    mut say: impl FnMut(&str),
) -> Result<(), CursorCommandError> {
    let CursorCommand { task, host, mark, force } = command;
    let own = host.key(stream);
    let key = mark.map_or_else(|| own.clone(), |mark| own.beside(&mark));
    let changes = task != CursorTask::Show;
    if changes && !force && healthcheck::reads(plan.admin, daemon, host.name()).await {
        let what = format!("a {daemon} at {} reads {host}", plan.admin);
        return Err(CursorCommandError::Writing { what });
    }
    let store = Store::open(plan, stream, field, changes, force).await?;
    let before = store.load(&key).await?;
    say(&format!("{key} in {}", store.name()));
    match task {
        CursorTask::Show => say(&format!("cursor: {}", told(before.as_ref()))),
        CursorTask::Set(_) | CursorTask::Clear => {
            if !force {
                let of_host = if key == own { before.clone() } else { store.load(&own).await? };
                let mut writer = store.writer(&own, of_host.as_ref()).await?;
                if writer.is_none() && key != own {
                    writer = store.writer(&key, before.as_ref()).await?;
                }
                if let Some(what) = writer {
                    return Err(CursorCommandError::Writing { what });
                }
            }
            say(&format!("before: {}", told(before.as_ref())));
            match task {
                CursorTask::Set(seq) => store.save(&key, &seq.into()).await?,
                CursorTask::Show | CursorTask::Clear => store.clear(&key).await?,
            }
            say(&format!("after: {}", told(store.load(&key).await?.as_ref())));
        }
    }
    Ok(())
}

fn told(cursor: Option<&Cursor>) -> String {
    cursor.map_or_else(|| "nothing is stored".to_owned(), ToString::to_string)
}
