use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use standpipe_cursor::{Resume, Seq};
use standpipe_daemon::ingest::Feed;
use standpipe_pipeline::{Decoder, Never, Observation, Observer, OpenBatch, Remedy, Source};
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Scripted;

/// What the host does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Accepts a connection.
    Accept,
    /// Refuses a connection.
    Refuse(Remedy),
    /// Sends a frame that becomes an entry.
    Frame(u64),
    /// Sends such a frame, which gives itself this time.
    FrameAt(u64, &'static str),
    /// Answers a ping.
    Answer,
    /// Sends a frame that is dropped.
    Dropped(u64),
    /// Sends a frame that is quarantined.
    Unusable(u64),
    /// Sends something after which reading cannot go on.
    Halting(Remedy),
    /// Breaks the connection.
    Break(Remedy),
    /// Has sent all that there is.
    End,
    /// Makes the decoder panic.
    Panic,
    /// Makes the source panic, or the connecting.
    PanicInSource,
}

impl Act {
    /// The number of the frame that is sent, if one is.
    fn number(self) -> Option<u64> {
        match self {
            Self::Frame(number)
            | Self::FrameAt(number, _)
            | Self::Dropped(number)
            | Self::Unusable(number) => Some(number),
            Self::Accept
            | Self::Refuse(_)
            | Self::Answer
            | Self::Halting(_)
            | Self::Break(_)
            | Self::End
            | Self::Panic
            | Self::PanicInSource => None,
        }
    }
}

/// A host that does what it is told, and first sends again all that it ever sent after the cursor that it is given.
#[derive(Clone)]
pub(crate) struct ScriptedFeed {
    acts: Arc<AsyncMutex<UnboundedReceiver<Act>>>,
    sent: Arc<Mutex<Vec<Act>>>,
    resumes: Arc<Mutex<Vec<Resume>>>,
}

impl ScriptedFeed {
    /// A host, and where it is told what to do.
    pub(crate) fn new() -> (Self, UnboundedSender<Act>) {
        let (acts, receiver) = unbounded_channel();
        let acts_of_host = Arc::new(AsyncMutex::new(receiver));
        (Self { acts: acts_of_host, sent: Arc::default(), resumes: Arc::default() }, acts)
    }

    /// From where each connection was to go on.
    pub(crate) fn resumes(&self) -> Arc<Mutex<Vec<Resume>>> {
        Arc::clone(&self.resumes)
    }
}

impl Feed for ScriptedFeed {
    type Source = ScriptedSource;
    type Decoder = ScriptedDecoder;
    type Resume = Resume;

    async fn connect(
        &self,
        resume: Resume,
        observer: &Arc<dyn Observer>,
    ) -> Result<ScriptedSource, Scripted> {
        self.resumes.lock().unwrap().push(resume);
        observer.observe(Observation::Connecting);
        match self.acts.lock().await.recv().await {
            Some(Act::Accept) => {
                observer.observe(Observation::Connected { resume });
                let after = after(resume).map_or(u64::MAX, Seq::number);
                let is_after = |act: &Act| act.number().is_some_and(|number| number > after);
                let again = self.sent.lock().unwrap().iter().copied().filter(is_after).collect();
                Ok(ScriptedSource { again, host: self.clone(), observer: Arc::clone(observer) })
            }
            Some(Act::Refuse(remedy)) => Err(Scripted(remedy)),
            Some(Act::PanicInSource) => panic!("scripted panic in the source"),
            other => panic!("not connected, and told to {other:?}"),
        }
    }

    fn decoder(&self, resume: Resume, observer: Arc<dyn Observer>) -> ScriptedDecoder {
        ScriptedDecoder { observer, after: after(resume), has_to_begin: true }
    }
}

fn after(resume: Resume) -> Option<Seq> {
    match resume {
        Resume::After(seq) => Some(seq),
        Resume::Live | Resume::Oldest => None,
    }
}

pub(crate) struct ScriptedSource {
    again: VecDeque<Act>,
    host: ScriptedFeed,
    observer: Arc<dyn Observer>,
}

impl Source for ScriptedSource {
    type Item = Act;
    type Error = Scripted;

    async fn next(&mut self) -> Result<Option<Act>, Scripted> {
        if let Some(act) = self.again.pop_front() {
            return Ok(Some(act));
        }
        loop {
            match self.host.acts.lock().await.recv().await {
                Some(Act::Answer) => self.observer.observe(Observation::Alive),
                Some(Act::Break(remedy)) => return Err(Scripted(remedy)),
                Some(Act::PanicInSource) => panic!("scripted panic in the source"),
                Some(Act::End) | None => return Ok(None),
                Some(act) => {
                    self.host.sent.lock().unwrap().extend(act.number().map(|_| act));
                    return Ok(Some(act));
                }
            }
        }
    }
}

pub(crate) struct ScriptedDecoder {
    observer: Arc<dyn Observer>,
    after: Option<Seq>,
    has_to_begin: bool,
}

impl Decoder for ScriptedDecoder {
    type Item = Act;
    type Halt = Scripted;

    fn decode(&mut self, act: Act, batch: &mut OpenBatch) -> Result<(), Scripted> {
        let mut time = "2026-07-04T14:38:08.999Z";
        let number = match act {
            Act::Frame(number) | Act::FrameAt(number, _) => {
                let written: Result<(), Never> = batch.append("create", |entry| {
                    entry.extend_from_slice(number.to_string().as_bytes());
                    Ok(())
                });
                written.unwrap();
                batch.noted("handle_malformed");
                batch.judged("failed", "sig_mismatch");
                if let Act::FrameAt(_, given) = act {
                    time = given;
                }
                number
            }
            Act::Dropped(number) => {
                batch.dropped("collection_filtered");
                number
            }
            Act::Unusable(number) => {
                batch.dropped("cbor_truncated");
                let frame = &number.to_be_bytes();
                let seq = Some(number);
                self.observer.observe(Observation::Quarantined { reason: "cbor_truncated", seq, frame });
                self.observer.observe(Observation::Gap {
                    reason: "outdated_cursor",
                    from: Seq::new(1),
                    to: None,
                    time: "",
                });
                number
            }
            Act::Halting(remedy) => return Err(Scripted(remedy)),
            Act::Panic => panic!("scripted panic"),
            Act::Accept | Act::Answer | Act::Refuse(_) | Act::Break(_) | Act::End | Act::PanicInSource => {
                panic!("connected, and told to {act:?}")
            }
        };
        let seq = Seq::new(number).unwrap();
        if std::mem::take(&mut self.has_to_begin) {
            self.observer.observe(Observation::Began { after: self.after, seq, time });
        }
        batch.close_frame(seq, 8, time);
        Ok(())
    }
}
