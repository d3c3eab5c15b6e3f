//! The messages of `com.atproto.label.subscribeLabels`, what a labeler says.
//!
//! Source: the lexicons of that name and of `com.atproto.label.defs`, and <https://atproto.com/specs/label>.

mod label;
mod list;

pub use self::label::{Label, MAX_LABEL_VAL_LEN, NegFalse};
pub use self::list::LabelsIter;
use crate::body::{each_field, read_body, require, salvage_seq, seq, skip_field};
use crate::error::MessageError;
use crate::frame::{Message, check_body};
use crate::info::Info;

/// One message of a labeler, borrowed from its frame.
///
/// ```
/// use standpipe_eventstream::{Frame, LabelMessage};
///
/// let bytes = b"\xa2\x61t\x67#labels\x62op\x01\xa2\x63seq\x07\x66labels\x81\xa4\x63cts\x742026-07-04T14:38:09Z\
///     \x63src\x78\x20did:plc:7iza6de2dwap2sbkpav7c6c6\x63uri\x71at://did:plc:abcd\x63val\x64spam";
/// let Frame::Message(message) = Frame::parse(bytes)? else { panic!("a message") };
/// let LabelMessage::Labels(labels) = LabelMessage::parse(&message)? else { panic!("labels") };
/// for label in labels.labels() {
///     let label = label.expect("a sound label");
///     assert_eq!((labels.seq, label.val, label.neg, label.sig), (7, "spam", None, None));
/// }
/// # Ok::<(), standpipe_eventstream::MessageError>(())
/// ```
#[derive(Debug, Clone)]
pub enum LabelMessage<'a> {
    /// `#labels`: labels were made or taken back.
    Labels(Labels<'a>),
    /// `#info`: the labeler speaks of the stream itself.
    Info(Info<'a>),
    /// A kind that this version does not know: to be skipped and counted, and the cursor moved.
    Unknown {
        /// The kind as the header says it.
        kind: &'a str,
        /// Its `seq`, where it could be read.
        seq: Option<u64>,
    },
}

/// Labels that were made or taken back: none, one, or many.
#[derive(Debug, Clone)]
pub struct Labels<'a> {
    /// The labeler's number for the message, 1 to 2^53-1.
    pub seq: u64,
    labels: LabelsIter<'a>,
}

impl<'a> LabelMessage<'a> {
    /// Reads the body of a labeler's message to its end. Single labels are judged when they are asked for.
    ///
    /// # Errors
    /// [`MessageError::Frame`] when the body is not one sound DAG-CBOR map, or is followed by more;
    /// [`MessageError::Schema`] when it is, and `seq` or `labels` are missing or unusable.
    pub fn parse(message: &Message<'a>) -> Result<Self, MessageError> {
        match message.kind {
            "#labels" => Labels::parse(message).map(Self::Labels),
            "#info" => Info::parse(message).map(Self::Info),
            kind => {
                check_body(message.frame, message.body_start)?;
                Ok(Self::Unknown { kind, seq: salvage_seq(message) })
            }
        }
    }

    /// The labeler's number for the message; `#info` has none, and of skipped kinds it may be unreadable.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Labels(labels) => Some(labels.seq),
            Self::Info(_) => None,
            Self::Unknown { seq, .. } => *seq,
        }
    }
}

impl<'a> Labels<'a> {
    fn parse(message: &Message<'a>) -> Result<Self, MessageError> {
        read_body(message, |reader| {
            let (mut number, mut labels) = (None, None);
            each_field("body", reader, |key, reader| {
                match key {
                    b"seq" => number = Some(seq(reader)?),
                    b"labels" => labels = Some(LabelsIter::read(reader)?),
                    _ => skip_field(key, 1, reader)?,
                }
                Ok(())
            })?;
            Ok(Self { seq: require("seq", number)?, labels: require("labels", labels)? })
        })
    }

    /// The labels in the order sent, which is the order to apply them in; in the place of a bad one what is wrong with
    /// it.
    #[must_use]
    pub fn labels(&self) -> LabelsIter<'a> {
        self.labels.clone()
    }
}
