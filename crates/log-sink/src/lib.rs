//! Sinks on this machine: an embedded local log with a reader, and JSON lines for a pipe.
//!
//! [`EmbeddedLog`] is what a daemon writes when no Redis is configured: streams of entries with the cursors of their
//! hosts, in one file of a local folder. [`LogReader`] reads it from any process, while the daemon runs or after it
//! died. [`Lines`] writes entries to a pipe, with cursors in files ([`FileCursors`]).
//!
//! **The one contract:** a batch is one durable step. The embedded log compares the stored cursor with the one that
//! the batch follows, appends all of its entries and stores the cursor that it reaches in one synced transaction, so
//! that a retry is recognised, a crash leaves the whole batch or nothing, and an earlier writer of the same host is
//! refused. Lines cannot give that, and say what they give instead.
//!
//! # What is kept
//!
//! By default the newest 4 GiB of each stream ([`Retention::Keep`]); older entries leave, and those that no reader had
//! acknowledged are counted ([`Observation::Retired`](standpipe_pipeline::Observation::Retired)) and said. With
//! [`Retention::Block`] an entry leaves once every named reader has acknowledged it, and delivery waits while too many
//! have not.
//!
//! Only one process can write the file, so a reader acknowledges beside it: in a small file of its own, replaced as a
//! whole, which the writer reads when it wants to let entries go. The file names the log by its id, so that an
//! acknowledgement of a log that was here before means nothing in a new one.
//!
//! # When the disk fails
//!
//! A disk that is full or fails is backpressure: the batch is kept and tried again every 0.1 to 5 seconds, for ever,
//! and the observer is told; so is one whose file vanished, since a new log in its place would be without its cursors.
//! A file that another process writes, that is damaged or that is no log is an error that
//! names it.
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `folder` | [`StateFolder`], the layout of the folder: `log.redb`, `acks/`, `cursors/`, `lines.lock` |
//! | `settings` | [`LogSettings`], [`Retention`] and [`Block`] |
//! | `log` | [`EmbeddedLog`]; below it [`LogSink`], the one open database, a batch as one transaction, and what leaves |
//! | `tables` | the tables and records in the file |
//! | `reader` | [`LogReader`], and [`stored_cursor`]; below them one committed state of the log |
//! | `acknowledgement` | [`ReaderName`], and how far a reader says that it has come |
//! | `lines` | [`Lines`] and [`LinesSink`]; below it the one writer and what is owed to it |
//! | `file_cursors`, `durable_file` | [`FileCursors`], and how a small file is replaced |
//! | `pressure`, `seldom`, `blocking` | what observers are told, what is said rarely, and waiting for the disk |
//!
//! # Example
//!
//! A pump writes three numbers of one host; then `tail --from oldest` reads them, and with `follow` in the place of
//! `next` it would wait for more:
//!
//! ```
//! # use std::convert::Infallible;
//! # use standpipe_pipeline::{Decoder, Limits, Never, OpenBatch, Silent, Source};
//! use standpipe_cursor::{CursorKey, Seq};
//! use standpipe_log_sink::{EmbeddedLog, LogReader, LogSettings, Read, ReadFrom, StateFolder};
//! use standpipe_pipeline::{Acquire, Pump};
//! # struct Numbers(u64);
//! # impl Source for Numbers {
//! #     type Item = u64;
//! #     type Error = Never;
//! #     async fn next(&mut self) -> Result<Option<u64>, Never> {
//! #         self.0 += 1;
//! #         Ok((self.0 <= 3).then_some(self.0))
//! #     }
//! # }
//! # struct AsJson;
//! # impl Decoder for AsJson {
//! #     type Item = u64;
//! #     type Halt = Never;
//! #     fn decode(&mut self, number: u64, batch: &mut OpenBatch) -> Result<(), Never> {
//! #         let written: Result<(), Infallible> = batch.append("number", |entry| {
//! #             entry.extend_from_slice(number.to_string().as_bytes());
//! #             Ok(())
//! #         });
//! #         let Ok(()) = written;
//! #         batch.close_frame(Seq::new(number).expect("above zero"), 8, "");
//! #         Ok(())
//! #     }
//! # }
//! # let temporary = tempfile::tempdir()?;
//! # let path = temporary.path();
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//!
//! let folder = StateFolder::new(path);
//! let log = EmbeddedLog::open(LogSettings::new(folder.clone())).await?;
//! let key = CursorKey::new("firehose_live", &"bsky.network".parse()?);
//! let acquired = log.acquire(&key).await?;
//! assert_eq!(acquired.cursor, None);
//! let mut pump = Pump::new(Numbers(0), AsJson, acquired.sink, Limits::default(), Silent::shared());
//! pump.run(acquired.cursor, std::future::pending()).await?;
//!
//! let mut reader = LogReader::open(folder, "firehose_live", ReadFrom::Oldest).await?;
//! let mut read = Vec::new();
//! while let Some(next) = reader.next().await? {
//!     match next {
//!         Read::Entry(entry) => read.push((entry.index, entry.payload)),
//!         Read::Gap { first, last } => eprintln!("entries {first} to {last} left before they were read"),
//!     }
//! }
//! assert_eq!(read, [(1, "1".into()), (2, "2".into()), (3, "3".into())]);
//! reader.acknowledge(&"indexer".parse()?, 3).await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod acknowledgement;
mod blocking;
mod durable_file;
mod error;
mod file_cursors;
mod folder;
mod lines;
mod log;
mod pressure;
mod reader;
mod seldom;
mod settings;
mod tables;

pub use acknowledgement::{ReaderName, ReaderNameError};
pub use error::{LinesError, LogError, ReadError};
pub use file_cursors::FileCursors;
pub use folder::StateFolder;
pub use lines::{Lines, LinesSink};
pub use log::{EmbeddedLog, LogSink};
pub use reader::{Entry, LogReader, Read, ReadFrom, stored_cursor};
pub use settings::{Block, BlockError, LogSettings, Retention};
