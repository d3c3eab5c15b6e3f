//! Source, Decoder, Sink: batches of whole frames, and the pump that moves them.
//!
//! A [`Source`] yields what a host sends, a [`Decoder`] turns each item into entries of an [`OpenBatch`], and a
//! [`Sink`] makes a [`Batch`] durable together with the cursor that it reaches. The [`Pump`] runs the three in one
//! task with one open batch and one delivery in flight, so memory is bounded by two batches and the pressure of a
//! full sink reaches the host through its unread socket.
//!
//! **The one contract:** a batch is a delta. It holds all entries of whole frames in the span `(from, through]`, and
//! a sink applies it only where `from` is what is stored. So a batch that is tried twice is appended once, and a
//! cursor never passes an event that is not in the sink.
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `source`, `decoder`, `sink` | the three seams, and [`Acquire`], how a writer takes over a host |
//! | `repo_page` | [`RepoPage`], one page of a list of repositories as a source has it |
//! | `batch` | [`OpenBatch`], which a decoder fills, and [`Batch`], which a sink delivers |
//! | `tally` | [`Tally`]: what a batch's frames amounted to, written or dropped, by reason |
//! | `pump`, `limits` | the loop, and what bounds it |
//! | `observation` | [`Observation`], what adapters and the pump tell; [`Observer`], who listens |
//! | `transient` | [`Transient`]: every adapter error says what helps against it |
//!
//! # Example
//!
//! Numbers as frames, each written as one entry, into a list:
//!
//! ```
//! use std::convert::Infallible;
//! use standpipe_cursor::Seq;
//! use standpipe_pipeline::{Ack, Batch, Decoder, Limits, Never, OpenBatch, Pump, Silent, Sink, Source};
//!
//! struct Numbers(u64);
//! impl Source for Numbers {
//!     type Item = u64;
//!     type Error = Never;
//!     async fn next(&mut self) -> Result<Option<u64>, Never> {
//!         self.0 += 1;
//!         Ok((self.0 <= 3).then_some(self.0))
//!     }
//! }
//!
//! struct AsText;
//! impl Decoder for AsText {
//!     type Item = u64;
//!     type Halt = Never;
//!     fn decode(&mut self, number: u64, batch: &mut OpenBatch) -> Result<(), Never> {
//!         let written: Result<(), Infallible> = batch.append("number", |entry| {
//!             entry.extend_from_slice(number.to_string().as_bytes());
//!             Ok(())
//!         });
//!         let Ok(()) = written;
//!         batch.close_frame(Seq::new(number).expect("above zero"), 8, "");
//!         Ok(())
//!     }
//! }
//!
//! struct List(Vec<String>);
//! impl Sink for List {
//!     type Error = Never;
//!     async fn deliver(&mut self, batch: &Batch) -> Result<Ack, Never> {
//!         self.0.extend(batch.entries().map(|entry| String::from_utf8_lossy(&entry).into_owned()));
//!         Ok(Ack::applied(Some(self.0.len() as u64)))
//!     }
//! }
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
//! # runtime.block_on(async {
//! let mut pump = Pump::new(Numbers(0), AsText, List(Vec::new()), Limits::default(), Silent::shared());
//! pump.run(None, std::future::pending()).await.unwrap();
//! assert_eq!(pump.into_parts().2.0, ["1", "2", "3"]);
//! # });
//! ```

mod batch;
mod decoder;
mod limits;
mod observation;
mod outbound;
mod pump;
mod repo_page;
mod sink;
mod source;
mod tally;
mod transient;

pub use batch::{Batch, Beside, OpenBatch};
pub use decoder::Decoder;
pub use limits::Limits;
pub use observation::{Backpressure, Observation, Observer, Silent};
pub use pump::{End, Pump, PumpError};
pub use repo_page::{RepoPage, RepoRow};
pub use sink::{Ack, Acquire, Acquired, Sink};
pub use source::{RawMessage, Source};
pub use tally::{Counts, Tally};
pub use transient::{Never, Remedy, Transient};
