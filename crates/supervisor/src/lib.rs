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
//! | [`Stalled`](Ending::Stalled) | ours: no sign of life, no reason | ERROR | yes | restart after the backoff |
//! | [`Aborted`](Ending::Aborted) | it did not stop in time | WARN | no | nothing, the supervisor is stopping |
//!
//! The wait before a restart is drawn at random below a ceiling that doubles from 1 s to 60 s ([`Backoff`]).
//! A child that spends more than its [`Intensity`] is restarted at the backoff's cap and is marked
//! [`Standing::OverIntensity`], or ends the whole supervisor, as [`OnGiveUp`] says.
//!
//! # What a child may wait for
//!
//! | state | stalled without a sign of life | waits for, unless the child says so |
//! |---|---|---|
//! | [`Starting`](State::Starting) | after 5 minutes | its own first word |
//! | [`Connecting`](State::Connecting) | after 5 minutes | the source's answer |
//! | [`Streaming`](State::Streaming) | after 5 minutes | the next message |
//! | [`Full`](State::Full), [`Parked`](State::Parked) | never | room in what comes after it |
//! | [`Unavailable`](State::Unavailable) | never | an answer of what comes after it |
//! | [`Held`](State::Held) | never | an operator's decision |
//! | [`Waiting`](State::Waiting) | never | its time to come |
//!
//! Signs of life are [`Scope::saw`], [`Scope::progressed`], [`Scope::alive`] and a change of state. How long is
//! waited is [`ChildSpec::stall_after`]; what is waited for, in the child's words, [`Scope::waiting_for`]. Time in
//! which nobody could run, because the process was suspended, counts for nobody.
//!
//! # What belongs to an incarnation
//!
//! | work | begins | at the end of the incarnation | its panic |
//! |---|---|---|---|
//! | the child's future | with the incarnation | aborted at its next `.await` | is the ending |
//! | [`Scope::spawn`] | at once | aborted at its next `.await` | is the ending, under the task's name |
//! | [`Scope::spawn_blocking`] | at once | waited for | is the ending, under the work's name |
//!
//! All of it is gone before the next incarnation begins. What blocks its thread for more than a second from the
//! end cannot be waited for: it is told at ERROR with its name, and left to itself.
//!
//! # Coming, going, stopping
//!
//! Children are added and removed while the supervisor runs ([`Handle::add`], [`Handle::remove`]); it comes back
//! when no child is left that may run. When asked to stop, it stops its children [stage](ChildSpec::stage) by stage,
//! lowest first, each bounded by its own grace.
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
//! - [`Scope`], [`Blocking`], [`StopSignal`], [`State`], [`EventTime`]: what an incarnation has of its supervisor.
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
