use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::CursorKey;
use standpipe_pipeline::{Ack, Batch, Sink};
use tokio::time::sleep;

use super::append::Appended;
use super::{Append, EmbeddedLog};
use crate::pressure::Pressure;
use crate::{LogError, Retention};

/// How often the readers' acknowledgements are looked at while the stream is full.
const FULL_POLL: Duration = Duration::from_millis(250);

/// The writer of one host into the embedded log.
pub struct LogSink {
    log: EmbeddedLog,
    key: CursorKey,
    epoch: u64,
    pressure: Pressure,
}

impl LogSink {
    pub(super) fn new(log: EmbeddedLog, key: CursorKey, epoch: u64, pressure: Pressure) -> Self {
        Self { log, key, epoch, pressure }
    }

    /// Waits until the backlog is at the low-water mark.
    async fn drained(&mut self) -> Result<(), LogError> {
        let Retention::Block(block) = &self.log.shared.retention else { return Ok(()) };
        let low_water = block.low_water();
        loop {
            sleep(FULL_POLL).await;
            let stream = self.key.stream().to_owned();
            let backlog =
                self.log.persist(&mut self.pressure, move |shared, opened| shared.backlog(opened, &stream));
            if backlog.await? <= low_water {
                return Ok(());
            }
        }
    }
}

impl Sink for LogSink {
    type Error = LogError;

    /// A cancelled call may still be stored afterwards, whole, as long as no later writer has been acquired.
    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, LogError> {
        let append = Arc::new(Append::new(self.key.clone(), self.epoch, batch));
        loop {
            let append = Arc::clone(&append);
            let appended =
                self.log.persist(&mut self.pressure, move |shared, opened| append.run(shared, opened));
            match appended.await? {
                Appended::Applied { backlog, retired } => {
                    self.pressure.flowing();
                    if retired.entries > 0 {
                        self.pressure.retired(retired.entries, retired.unread);
                        self.log.shared.unread.say(retired.unread);
                    }
                    return Ok(Ack::applied(Some(backlog)));
                }
                Appended::Already { backlog } => {
                    self.pressure.flowing();
                    return Ok(Ack::already(Some(backlog)));
                }
                Appended::Full { backlog } => {
                    self.pressure.full(backlog);
                    self.drained().await?;
                }
                Appended::Fenced { current } => {
                    return Err(LogError::Fenced { key: self.key.clone(), ours: self.epoch, current });
                }
                Appended::Mismatch { key, expected, stored } => {
                    return Err(LogError::Mismatch { key, expected, stored });
                }
            }
        }
    }
}
