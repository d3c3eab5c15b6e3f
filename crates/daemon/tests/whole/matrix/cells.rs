use std::time::Duration;

use standpipe_pipeline::Remedy;
use standpipe_supervisor::State;

use super::fate::Fate;
use crate::scripted::Act;

/// Every state that an ingestion stays in.
pub(crate) const STATES: [State; 6] =
    [State::Connecting, State::Streaming, State::Full, State::Unavailable, State::Parked, State::Held];

/// Whether a silent life goes on in this state.
pub(crate) fn is_reason_to_wait(state: State) -> bool {
    matches!(state, State::Full | State::Unavailable | State::Parked | State::Held)
}

/// How long a held host is left alone.
pub(crate) const HOLD: Duration = Duration::from_mins(3);
/// Less than a pump takes to give a batch up at a stop.
pub(crate) const SHORT_GRACE: Duration = Duration::from_secs(2);

/// What makes a life end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// What befalls a child whatever its parts do.
    Befalls(Fate),
    /// An operator takes the child away.
    IsRemoved,
    /// The whole supervisor stops.
    IsStopped,
    /// Nothing happens any more.
    IsSilent,
    /// It is taken away and does not go.
    DoesNotGo,
    SourceEnds,
    SourceBreaks,
    SourceFails,
    SourcePanics,
    DecoderBreaks,
    DecoderFails,
    DecoderHolds,
    DecoderPanics,
    SinkBreaks,
    SinkFences,
    SinkPanics,
    /// It stores a batch, and nobody learns of it.
    SinkIsMute,
}

pub(crate) const WAYS: [Way; 21] = [
    Way::Befalls(Fate::Finished),
    Way::Befalls(Fate::Lost),
    Way::Befalls(Fate::Failed),
    Way::Befalls(Fate::Panics),
    Way::Befalls(Fate::PanicsInTask),
    Way::IsRemoved,
    Way::IsStopped,
    Way::IsSilent,
    Way::DoesNotGo,
    Way::SourceEnds,
    Way::SourceBreaks,
    Way::SourceFails,
    Way::SourcePanics,
    Way::DecoderBreaks,
    Way::DecoderFails,
    Way::DecoderHolds,
    Way::DecoderPanics,
    Way::SinkBreaks,
    Way::SinkFences,
    Way::SinkPanics,
    Way::SinkIsMute,
];

impl Way {
    /// Whether the parts can end so in this state. A child can be made to end in any.
    pub(crate) fn arises_in(self, state: State) -> bool {
        let reads = matches!(state, State::Streaming | State::Full | State::Unavailable);
        let is_held = state == State::Held;
        match self {
            Self::Befalls(_) | Self::IsRemoved | Self::IsStopped | Self::IsSilent | Self::DoesNotGo => true,
            Self::SourceBreaks | Self::SourceFails | Self::SourcePanics => {
                reads || state == State::Connecting
            }
            Self::SourceEnds | Self::DecoderBreaks | Self::DecoderFails | Self::DecoderPanics => reads,
            Self::DecoderHolds => reads || is_held,
            Self::SinkBreaks | Self::SinkFences | Self::SinkPanics => reads || state == State::Parked,
            Self::SinkIsMute => state == State::Streaming,
        }
    }

    /// Whether a batch that the sink does not take yet has to be stored before the end.
    pub(crate) fn waits_for_the_sink(self, state: State) -> bool {
        let is_in_order = matches!(
            self,
            Self::SourceEnds
                | Self::SourceBreaks
                | Self::SourceFails
                | Self::DecoderBreaks
                | Self::DecoderFails
                | Self::DecoderHolds
        );
        is_in_order && matches!(state, State::Full | State::Unavailable)
    }

    /// What the host has to do for it, if it is the host.
    pub(crate) fn act(self, state: State) -> Option<Act> {
        let broken = if state == State::Connecting { Act::Refuse } else { Act::Break };
        match self {
            Self::SourceEnds => Some(Act::End),
            Self::SourceBreaks => Some(broken(Remedy::Retry)),
            Self::SourceFails => Some(broken(Remedy::Fail)),
            Self::SourcePanics => Some(Act::PanicInSource),
            Self::DecoderBreaks => Some(Act::Halting(Remedy::Retry)),
            Self::DecoderFails => Some(Act::Halting(Remedy::Fail)),
            Self::DecoderHolds => Some(Act::Halting(Remedy::Hold(HOLD))),
            Self::DecoderPanics => Some(Act::Panic),
            Self::Befalls(_)
            | Self::IsRemoved
            | Self::IsStopped
            | Self::IsSilent
            | Self::DoesNotGo
            | Self::SinkBreaks
            | Self::SinkFences
            | Self::SinkPanics
            | Self::SinkIsMute => None,
        }
    }
}

/// What the report of an ending says.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) kind: &'static str,
    pub(crate) cause: Option<String>,
    /// The task that panicked, and in which file.
    pub(crate) panicked: Option<(Option<&'static str>, &'static str)>,
    pub(crate) state: State,
    /// What is stored when it has ended.
    pub(crate) durable: u64,
    /// The last message that the child knows of.
    pub(crate) last_seq: u64,
    /// Events of this life.
    pub(crate) events: u64,
    pub(crate) verdict: &'static str,
}

impl Expected {
    /// After 41 was stored by an earlier life, and 42 by this one once it was connected.
    pub(crate) fn of(way: Way, state: State) -> Self {
        let stored = if state == State::Connecting { 41 } else { 42 };
        let late = u64::from(way.waits_for_the_sink(state));
        let is_mute = way == Way::SinkIsMute || way == Way::DoesNotGo && state == State::Streaming;
        let (kind, cause, panicked) = ending(way, state);
        Self {
            kind,
            cause: cause.map(ToOwned::to_owned),
            panicked,
            state: match late {
                _ if way == Way::DecoderHolds => State::Held,
                0 => state,
                _ => State::Streaming,
            },
            durable: stored + late + u64::from(is_mute),
            last_seq: stored + late,
            events: stored + late - 41,
            verdict: match kind {
                "finished" => "finished",
                "stopped" | "aborted" => "stopped",
                _ => "restart",
            },
        }
    }
}

type Ending = (&'static str, Option<&'static str>, Option<(Option<&'static str>, &'static str)>);

fn ending(way: Way, state: State) -> Ending {
    let panicked = |message, task, file| ("panicked", Some(message), Some((task, file)));
    match way {
        Way::Befalls(Fate::Finished) | Way::SourceEnds => ("finished", None, None),
        Way::Befalls(Fate::Lost) => ("lost", Some("scripted loss"), None),
        Way::Befalls(Fate::Failed) => ("failed", Some("scripted failure"), None),
        Way::Befalls(Fate::Panics) => panicked("scripted panic in the child", None, "fate.rs"),
        Way::Befalls(Fate::PanicsInTask) => panicked("scripted panic in a task", Some("driver"), "fate.rs"),
        Way::Befalls(Fate::ItsOwn | Fate::Lingers | Fate::Defies) => panic!("that ends nothing"),
        Way::IsRemoved | Way::IsStopped => ("stopped", None, None),
        Way::IsSilent if state == State::Connecting => {
            ("stalled", Some("no sign of life for 300s, waiting for the source's answer"), None)
        }
        Way::IsSilent => ("stalled", Some("no sign of life for 300s, waiting for the next message"), None),
        Way::SinkIsMute => {
            ("stalled", Some("no sign of life for 300s, waiting for the sink to take a batch"), None)
        }
        Way::DoesNotGo => ("aborted", Some("did not stop within 2s"), None),
        Way::SourceBreaks | Way::DecoderBreaks | Way::SinkBreaks => ("lost", Some("scripted Retry"), None),
        Way::SourceFails | Way::DecoderFails | Way::SinkFences => ("failed", Some("scripted Fail"), None),
        Way::DecoderHolds => ("lost", Some("scripted Hold(180s)"), None),
        Way::SourcePanics => panicked("scripted panic in the source", None, "host.rs"),
        Way::DecoderPanics => panicked("scripted panic", None, "host.rs"),
        Way::SinkPanics => panicked("scripted panic in the sink", None, "sink.rs"),
    }
}
