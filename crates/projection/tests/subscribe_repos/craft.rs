//! Frames made to order, encoded by ciborium.

use ciborium::Value as Cbor;
use standpipe_eventstream::{Cid, CidBuf};

pub(crate) const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
pub(crate) const CONTROL_DID: &str = "did:web:control.example.com";
pub(crate) const REV: &str = "3mptbypluud2a";
pub(crate) const TIME: &str = "2026-07-04T14:38:08.999Z";

/// A sound frame that becomes one entry.
pub(crate) fn control(seq: u64) -> Vec<u8> {
    message("#identity", fields([("seq", seq.into()), ("did", CONTROL_DID.into()), ("time", TIME.into())]))
}

pub(crate) fn identity(seq: u64) -> Vec<u8> {
    message("#identity", account_fields(seq))
}

pub(crate) fn account(seq: u64, active: bool, status: Option<&str>) -> Vec<u8> {
    let mut fields = account_fields(seq);
    fields.push(("active".into(), active.into()));
    fields.extend(status.map(|status| ("status".into(), status.into())));
    message("#account", fields)
}

/// The fields that every message about an account has.
pub(crate) fn account_fields(seq: u64) -> Vec<(Cbor, Cbor)> {
    fields([("seq", seq.into()), ("did", DID.into()), ("time", TIME.into())])
}

pub(crate) fn fields<const N: usize>(fields: [(&str, Cbor); N]) -> Vec<(Cbor, Cbor)> {
    fields.map(|(key, value)| (key.into(), value)).into()
}

pub(crate) fn message(kind: &str, body: Vec<(Cbor, Cbor)>) -> Vec<u8> {
    frame(fields([("t", kind.into()), ("op", 1.into())]), body)
}

pub(crate) fn error(name: &str, text: Option<&str>) -> Vec<u8> {
    let mut body = fields([("error", name.into())]);
    body.extend(text.map(|text| ("message".into(), text.into())));
    frame(fields([("op", (-1).into())]), body)
}

pub(crate) fn frame(header: Vec<(Cbor, Cbor)>, body: Vec<(Cbor, Cbor)>) -> Vec<u8> {
    [encode(Cbor::Map(header)), encode(Cbor::Map(body))].concat()
}

/// One op of a commit.
#[derive(Clone)]
pub(crate) enum Op {
    Create(String, Cbor),
    Update(String, Cbor),
    Delete(String),
}

/// A commit that is consistent in itself; its tree and signature are filler.
#[derive(Clone)]
pub(crate) struct Commit {
    pub(crate) seq: u64,
    pub(crate) time: String,
    pub(crate) ops: Vec<Op>,
    /// The blocks of the records at these places are spoilt.
    pub(crate) spoilt: Vec<usize>,
}

impl Commit {
    pub(crate) fn new(seq: u64, ops: Vec<Op>) -> Self {
        Self { seq, time: TIME.to_owned(), ops, spoilt: Vec::new() }
    }

    pub(crate) fn frame(&self) -> Vec<u8> {
        let some_link = link(CidBuf::of_dag_cbor(b"some block").as_cid());
        let object = encode(Cbor::Map(fields([
            ("did", DID.into()),
            ("rev", REV.into()),
            ("sig", Cbor::Bytes(vec![7; 64])),
            ("data", some_link.clone()),
            ("prev", Cbor::Null),
            ("version", 3.into()),
        ])));
        let commit = CidBuf::of_dag_cbor(&object);
        let mut car = car_header(commit.as_cid());
        push_block(&mut car, commit.as_cid(), &object);
        let mut in_car = Vec::new();
        let mut ops = Vec::new();
        for (index, op) in self.ops.iter().enumerate() {
            let (action, path, record) = match op {
                Op::Create(path, record) => ("create", path, Some(record)),
                Op::Update(path, record) => ("update", path, Some(record)),
                Op::Delete(path) => ("delete", path, None),
            };
            let mut cid = Cbor::Null;
            if let Some(record) = record {
                let mut block = encode(record.clone());
                let name = CidBuf::of_dag_cbor(&block);
                if self.spoilt.contains(&index) {
                    *block.last_mut().expect("a block is not empty") ^= 1;
                }
                cid = link(name.as_cid());
                if !in_car.contains(&name) {
                    push_block(&mut car, name.as_cid(), &block);
                    in_car.push(name);
                }
            }
            let mut op = fields([("cid", cid), ("path", path.as_str().into()), ("action", action.into())]);
            if action != "create" {
                op.push(("prev".into(), some_link.clone()));
            }
            ops.push(Cbor::Map(op));
        }
        message(
            "#commit",
            fields([
                ("ops", Cbor::Array(ops)),
                ("rev", REV.into()),
                ("seq", self.seq.into()),
                ("repo", DID.into()),
                ("time", self.time.as_str().into()),
                ("blobs", Cbor::Array(Vec::new())),
                ("since", "3mptbypluud22".into()),
                ("blocks", Cbor::Bytes(car)),
                ("commit", link(commit.as_cid())),
                ("rebase", false.into()),
                ("tooBig", false.into()),
                ("prevData", some_link),
            ]),
        )
    }
}

/// A post with this text.
pub(crate) fn post(text: &str) -> Cbor {
    Cbor::Map(fields([("text", text.into()), ("$type", "app.bsky.feed.post".into())]))
}

/// Creates of posts, `app.bsky.feed.post/N` each.
pub(crate) fn posts(count: usize) -> Vec<Op> {
    (0..count)
        .map(|number| Op::Create(format!("app.bsky.feed.post/{number}"), post(&format!("post {number}"))))
        .collect()
}

fn link(cid: Cid<'_>) -> Cbor {
    Cbor::Tag(42, Box::new(Cbor::Bytes([&[0], &cid.as_bytes()[..]].concat())))
}

/// Encodes as DAG-CBOR does: keys in the order of their length, then of their bytes.
fn encode(value: Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&sorted(value), &mut bytes).expect("encodes");
    bytes
}

fn sorted(value: Cbor) -> Cbor {
    match value {
        Cbor::Map(mut pairs) => {
            pairs.sort_by_cached_key(|(key, _)| {
                let key = key.as_text().expect("text keys").to_owned();
                (key.len(), key)
            });
            Cbor::Map(pairs.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Cbor::Array(items) => Cbor::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn car_header(root: Cid<'_>) -> Vec<u8> {
    let header = encode(Cbor::Map(fields([("version", 1.into()), ("roots", Cbor::Array(vec![link(root)]))])));
    [vec![u8::try_from(header.len()).expect("short")], header].concat()
}

fn push_block(car: &mut Vec<u8>, cid: Cid<'_>, block: &[u8]) {
    let mut left = cid.as_bytes().len() + block.len();
    while left >= 0x80 {
        car.push(left.to_le_bytes()[0] | 0x80);
        left >>= 7;
    }
    car.push(left.to_le_bytes()[0]);
    car.extend_from_slice(cid.as_bytes());
    car.extend_from_slice(block);
}

/// Header and body of a frame, read by ciborium; none where the frame is none.
fn maps_of(frame: &[u8]) -> Option<[Vec<(Cbor, Cbor)>; 2]> {
    let mut left = frame;
    let mut map = || ciborium::from_reader::<Cbor, _>(&mut left).ok()?.into_map().ok();
    Some([map()?, map()?])
}

fn field(map: &[(Cbor, Cbor)], name: &str) -> Option<Cbor> {
    map.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value.clone())
}

/// A frame's seq, where it is a number that a seq may be.
pub(crate) fn seq_of(frame: &[u8]) -> Option<u64> {
    let [_, body] = maps_of(frame)?;
    let seq = u64::try_from(field(&body, "seq")?.into_integer().ok()?).ok();
    seq.filter(|seq| (1..1 << 53).contains(seq))
}

/// How many ops the frame has; none where it is no commit.
pub(crate) fn ops_in(frame: &[u8]) -> usize {
    let ops = maps_of(frame).and_then(|[header, body]| {
        let is_commit = field(&header, "t")?.as_text() == Some("#commit");
        let ops = field(&body, "ops")?.into_array().ok()?;
        is_commit.then_some(ops.len())
    });
    ops.unwrap_or(0)
}
