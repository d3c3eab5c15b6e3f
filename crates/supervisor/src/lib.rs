//! Keeps asynchronous children alive and explains every one of their endings.
//!
//! A child is a named factory of futures. Each future that the factory makes is one *incarnation*: it runs as
//! its own task, ends in one of seven ways ([`Ending`]), and is followed by the next incarnation or by nothing,
//! as the [`Verdict`] says. A panic is an ending like the others: it is caught, told with its place and
//! backtrace, and touches no sibling.
//!
//! The crate depends on `tokio`, `tracing`, `thiserror` and `fastrand` alone and reads no environment, so it
//! can be embedded by itself.
//!
//! # Contract
//!
//! **Every incarnation that began gives exactly one [`ExitReport`], before its successor begins.** The report
//! is one log line and one call of each [`Observer`]. That holds for children which finish, fail, panic,
//! refuse to stop, and for those that are cut off because the future of [`Supervisor::run`] was dropped.
//!
//! An incarnation shares nothing with the one before it. It reports what it does through its [`Scope`], which
//! costs a few atomic stores, and learns there when to stop.
//!
//! # What follows an ending
//!
//! | ending | whose doing | level | spends intensity | next, with [`Restart::OnTrouble`] |
//! |---|---|---|---|---|
//! | [`Finished`](Ending::Finished) | work is done | INFO | no | nothing |
//! | [`Stopped`](Ending::Stopped) | it was asked to | INFO | no | nothing |
//! | [`Lost`](Ending::Lost) | the world's | WARN | no | restart after the backoff, for ever |
//! | [`Failed`](Ending::Failed) | ours | ERROR | yes | restart after the backoff |
//! | [`Panicked`](Ending::Panicked) | ours | ERROR | yes | restart after the backoff |
//! | [`Stalled`](Ending::Stalled) | ours: no sign of life, no reason to wait | ERROR | yes | restart after the backoff |
//! | [`Aborted`](Ending::Aborted) | it did not stop in time | WARN | no | nothing, the supervisor is stopping |
//!
//! The wait before a restart is drawn at random below a ceiling that doubles from 1 s to 60 s ([`Backoff`]).
//! A child that spends more than its [`Intensity`] is restarted at the backoff's cap and is marked
//! [`Standing::OverIntensity`], or ends the whole supervisor, as [`OnGiveUp`] says.
//!
//! # Example
//!
//! Two tasks under supervision (`examples/two_tasks.rs`):
//!
//! ```no_run
#![doc = include_str!("../examples/two_tasks.rs")]
//! ```
//!
//! # Layout
//!
//! - [`Supervisor`], [`Builder`], [`Outcome`]: the whole, from start to stop.
//! - [`ChildSpec`], [`Restart`], [`Backoff`], [`Intensity`]: what is supervised, and how.
//! - [`Scope`], [`StopSignal`], [`State`], [`EventTime`]: what an incarnation sees of its supervisor.
//! - [`Done`], [`Trouble`], [`Ending`], [`ExitReport`], [`Verdict`]: how it ended and what follows.
//! - [`Observer`], [`Heartbeat`], [`Handle`], [`SupervisorStatus`], [`ChildStatus`]: what others see.

mod backoff;
mod blocking;
mod child;
mod ending;
mod error;
mod event_time;
mod handle;
mod heartbeat;
mod intensity;
mod keeper;
mod keepers;
mod lines;
mod observer;
mod panics;
mod record;
mod report;
mod roster;
mod scope;
mod state;
mod status;
mod stop;
mod supervisor;
mod tasks;
mod vitals;
mod watchdog;

pub use backoff::Backoff;
pub use blocking::Blocking;
pub use child::{ChildResult, ChildSpec, Restart};
pub use ending::{Done, Ending, Place, chain};
pub use error::{AddError, BlockingError, BoxError, RemoveError, SetupError, Trouble};
pub use event_time::EventTime;
pub use handle::Handle;
pub use heartbeat::Heartbeat;
pub use intensity::Intensity;
pub use observer::Observer;
pub use report::{ExitReport, Verdict};
pub use scope::Scope;
pub use state::State;
pub use status::{ChildStatus, Phase, Standing, SupervisorStatus};
pub use stop::StopSignal;
pub use supervisor::{Builder, OnGiveUp, Outcome, Supervisor};
