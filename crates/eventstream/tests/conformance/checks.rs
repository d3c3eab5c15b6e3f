//! Each rule of the checker at its edge: a good commit is changed in one place and encoded anew by ciborium.

use ciborium::Value as Cbor;
use standpipe_eventstream::{
    BlockIndex, CarError, CborError, CborFault, CheckError, Checker, CidBuf, FieldFault, Frame, FrameError,
    HashScope, Induction, MAX_BLOCKS_LEN, MAX_FRAME_LEN, MAX_OPS, MAX_REV_AHEAD_MICROS, MessageError,
    RepoMessage, SchemaError, Tid,
};

use crate::fixture::{frames, own};
use crate::reference::{car, car_header, decode, encode, link};

/// 2026-07-04T00:00:00Z, after the revision of the commit that is changed.
const NOW_MICROS: u64 = 1_783_123_200_000_000;

/// A commit with one create, as pairs that can be changed.
struct Draft {
    header: Cbor,
    body: Vec<(Cbor, Cbor)>,
}

impl Draft {
    /// The first frame of the golden streams.
    fn good() -> Self {
        let file = own("frames/01-basic.bin");
        let frame = frames(&file)[0];
        let header = b"\xa2\x61t\x67#commit\x62op\x01";
        let body = frame.strip_prefix(header).expect("a commit");
        let Some(Cbor::Map(body)) = decode(body) else { panic!("a map") };
        Self { header: decode(header).expect("a header"), body }
    }

    fn field(&mut self, name: &str) -> &mut Cbor {
        let position = self.body.iter().position(|(key, _)| key.as_text() == Some(name));
        let position = position.unwrap_or_else(|| {
            self.body.push((name.into(), Cbor::Null));
            self.body.len() - 1
        });
        &mut self.body[position].1
    }

    fn with(mut self, name: &str, value: impl Into<Cbor>) -> Self {
        *self.field(name) = value.into();
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.body.retain(|(key, _)| key.as_text() != Some(name));
        self
    }

    fn blocks(&mut self) -> Vec<(CidBuf, Vec<u8>)> {
        let bytes = self.field("blocks").as_bytes().expect("bytes").clone();
        let mut index = BlockIndex::new();
        let car = index.read(&bytes).expect("a car");
        car.blocks().map(|block| (block.cid().into(), block.unchecked().to_vec())).collect()
    }

    fn root(&mut self) -> CidBuf {
        let bytes = self.field("blocks").as_bytes().expect("bytes").clone();
        BlockIndex::new().read(&bytes).expect("a car").root().into()
    }

    fn op(&mut self) -> Vec<(Cbor, Cbor)> {
        let op = self.field("ops").as_array().expect("ops")[0].clone();
        op.into_map().expect("an op")
    }

    fn bytes(&self) -> Vec<u8> {
        [encode(&self.header), encode(&Cbor::Map(self.body.clone()))].concat()
    }

    fn parse<T>(&self, read: impl FnOnce(Result<RepoMessage<'_>, MessageError>) -> T) -> T {
        let bytes = self.bytes();
        let Ok(Frame::Message(message)) = Frame::parse(&bytes) else { panic!("a message") };
        read(RepoMessage::parse(&message))
    }

    fn check(&self, scope: HashScope, now_micros: u64) -> Result<Induction, CheckError> {
        self.parse(|message| {
            let Ok(RepoMessage::Commit(commit)) = message else { panic!("{message:?}") };
            let mut checker = Checker::new(scope);
            let consistent = checker.commit(&commit, now_micros)?;
            for op in consistent.ops().flatten() {
                op.change.cid().map(|cid| consistent.record(cid)).transpose()?;
            }
            Ok(consistent.induction())
        })
    }

    fn refusal(&self) -> Option<CheckError> {
        self.check(HashScope::Used, NOW_MICROS).err()
    }
}

#[test]
fn the_unchanged_draft_passes() {
    assert_eq!(Draft::good().check(HashScope::All, NOW_MICROS), Ok(Induction::First));
}

#[test]
fn a_frame_may_be_five_million_bytes_and_no_more() {
    let padded = |len: usize| {
        let unpadded = Draft::good().with("x", Cbor::Bytes(vec![0; 70_000])).bytes().len() - 70_000;
        Draft::good().with("x", Cbor::Bytes(vec![0; len - unpadded])).bytes()
    };
    let longest = padded(MAX_FRAME_LEN);
    assert_eq!(longest.len(), 5_000_000);
    assert!(Frame::parse(&longest).is_ok());
    assert_eq!(Frame::parse(&padded(MAX_FRAME_LEN + 1)), Err(FrameError::TooLong { len: 5_000_001 }));
}

#[test]
fn a_rev_may_be_five_minutes_ahead_and_no_more() {
    let mut draft = Draft::good();
    let rev = Tid::parse(draft.field("rev").as_text().expect("text")).expect("a tid").unix_micros();
    assert_eq!(draft.check(HashScope::Used, rev - MAX_REV_AHEAD_MICROS), Ok(Induction::First));
    let ahead_micros = MAX_REV_AHEAD_MICROS + 1;
    assert_eq!(draft.check(HashScope::Used, rev - ahead_micros), Err(CheckError::RevFuture { ahead_micros }));
    assert_eq!(draft.check(HashScope::Used, 0), Err(CheckError::RevFuture { ahead_micros: rev }));
}

#[test]
fn blocks_may_be_two_million_bytes_and_no_more() {
    let padded = |len: usize| {
        let mut draft = Draft::good();
        let (root, mut blocks) = (draft.root(), draft.blocks());
        let filler = |len: usize| (CidBuf::of_dag_cbor(b"unused"), vec![0; len]);
        blocks.push(filler(70_000));
        let unpadded = car(car_header(&[root]), &blocks).len() - 70_000;
        blocks.pop();
        blocks.push(filler(len - unpadded));
        draft.with("blocks", Cbor::Bytes(car(car_header(&[root]), &blocks)))
    };
    assert_eq!(padded(MAX_BLOCKS_LEN).refusal(), None);
    assert_eq!(padded(MAX_BLOCKS_LEN + 1).refusal(), Some(CheckError::BlocksTooLong { len: 2_000_001 }));
}

#[test]
fn there_may_be_two_hundred_ops_and_no_more() {
    let many = |count: usize| {
        let mut draft = Draft::good();
        let op = |number: usize| {
            let mut op = draft.op();
            op.retain(|(key, _)| key.as_text() != Some("path"));
            op.push(("path".into(), format!("app.bsky.feed.post/{number}").into()));
            Cbor::Map(op)
        };
        let ops = (0..count).map(op).collect();
        draft.with("ops", Cbor::Array(ops))
    };
    assert_eq!(many(0).refusal(), None);
    assert_eq!(many(MAX_OPS).refusal(), None);
    assert_eq!(many(MAX_OPS + 1).refusal(), Some(CheckError::TooManyOps { count: 201 }));
}

#[test]
fn two_ops_on_one_path_are_refused_wherever_they_are() {
    let mut draft = Draft::good();
    let op = Cbor::Map(draft.op());
    let other = |number: usize| {
        let fields =
            [("action", "delete".into()), ("path", format!("a.b.c/{number}").into()), ("cid", Cbor::Null)];
        Cbor::Map(fields.map(|(key, value)| (key.into(), value)).to_vec())
    };
    let mut ops: Vec<_> = (0..5).map(other).collect();
    assert_eq!(Draft::good().with("ops", Cbor::Array(ops.clone())).refusal(), None);
    ops.insert(0, op.clone());
    ops.push(op);
    assert_eq!(draft.with("ops", Cbor::Array(ops)).refusal(), Some(CheckError::DuplicatePath));
}

#[test]
fn what_a_commit_can_be_checked_against_is_told_apart() {
    let mut draft = Draft::good();
    let root = draft.root();
    let delete = |prev: Option<CidBuf>| {
        let mut op = vec![("action".into(), "delete".into()), ("path".into(), "a.b.c/x".into())];
        op.extend(prev.map(|prev| ("prev".into(), link(prev))));
        Cbor::Array(vec![Cbor::Map(op)])
    };
    let check = |draft: Draft, expected| assert_eq!(draft.check(HashScope::Used, NOW_MICROS), Ok(expected));
    check(Draft::good().with("prevData", link(root)), Induction::Possible);
    check(Draft::good().with("prevData", link(root)).with("ops", delete(Some(root))), Induction::Possible);
    check(Draft::good().with("prevData", link(root)).with("ops", delete(None)), Induction::Legacy);
    check(Draft::good().with("since", "3jzfcijpj2z2a"), Induction::Legacy);
    check(
        Draft::good().without("since").without("blobs").without("rebase").without("tooBig"),
        Induction::First,
    );
}

#[test]
fn only_all_hashes_see_a_wrong_block_that_nobody_uses() {
    let mut draft = Draft::good();
    let (root, mut blocks) = (draft.root(), draft.blocks());
    blocks.push((CidBuf::of_dag_cbor(b"right"), b"wrong".to_vec()));
    let bytes = car(car_header(&[root]), &blocks);
    let offset = bytes.len() - 5;
    let draft = draft.with("blocks", Cbor::Bytes(bytes));
    assert_eq!(draft.check(HashScope::Used, NOW_MICROS), Ok(Induction::First));
    assert_eq!(draft.check(HashScope::All, NOW_MICROS), Err(CarError::Hash { offset }.into()));
}

#[test]
fn used_blocks_are_hashed_and_the_first_of_two_counts() {
    for target in 0..2 {
        let mut draft = Draft::good();
        let (root, blocks) = (draft.root(), draft.blocks());
        let record = match draft.op().into_iter().find(|(key, _)| key.as_text() == Some("cid")) {
            Some((_, Cbor::Tag(42, cid))) => cid.as_bytes().expect("bytes")[1..].to_vec(),
            other => panic!("{other:?}"),
        };
        let is_target = |cid: &CidBuf| [record == cid.as_cid().as_bytes(), *cid == root][target];
        let (cid, block) = blocks.iter().find(|(cid, _)| is_target(cid)).expect("it is there").clone();
        let wrong = (cid, block.iter().map(|byte| byte ^ 1).collect::<Vec<_>>());
        let before = [vec![wrong.clone()], blocks.clone()].concat();
        let after = [blocks, vec![wrong]].concat();
        let draft = draft.with("blocks", Cbor::Bytes(car(car_header(&[root]), &before)));
        assert!(matches!(draft.refusal(), Some(CheckError::Car(CarError::Hash { .. }))), "{target}");
        let draft = draft.with("blocks", Cbor::Bytes(car(car_header(&[root]), &after)));
        assert_eq!(draft.refusal(), None, "{target}");
    }
}

#[test]
fn car_headers_of_every_legal_shape_are_read() {
    let mut draft = Draft::good();
    let (root, blocks) = (draft.root(), draft.blocks());
    let other = CidBuf::of_dag_cbor(b"other");
    let extra = [car_header(&[root]), vec![("extra".into(), Cbor::Array(vec![]))]].concat();
    let check = |header, expected| {
        let draft = Draft::good().with("blocks", Cbor::Bytes(car(header, &blocks)));
        assert_eq!(draft.refusal(), expected);
    };
    check(extra, None);
    check(car_header(&[root, other]), None);
    check(car_header(&[other, root]), Some(CheckError::RootNotCommit));
    check(car_header(&[]), Some(CarError::NoRoot.into()));
    check(vec![("version".into(), 1.into())], Some(CarError::HeaderField { field: "roots" }.into()));
    let without_version = car_header(&[root])[1..].to_vec();
    check(without_version, Some(CarError::HeaderField { field: "version" }.into()));
    let of_version_2 = [car_header(&[root])[1..].to_vec(), vec![("version".into(), 2.into())]].concat();
    check(of_version_2, Some(CarError::HeaderField { field: "version" }.into()));
    let roots = vec![root; 110];
    let len = 16 + 2 + 110 * 41;
    check(car_header(&roots), Some(CarError::HeaderLength { len }.into()));
}

#[test]
fn a_field_that_is_wrong_is_named_with_the_seq() {
    let check = |draft: Draft, field, fault, seq| {
        let error = draft.parse(|message| message.map(|_| ()).expect_err("a wrong field"));
        assert_eq!(error, MessageError::Schema(SchemaError { field, fault, seq }));
    };
    check(Draft::good().with("repo", "did:key:zabc"), "repo", FieldFault::DidMethod, Some(1));
    check(Draft::good().with("repo", "alice.example.com"), "repo", FieldFault::Syntax, Some(1));
    check(Draft::good().without("time"), "time", FieldFault::Missing, Some(1));
    check(Draft::good().with("rev", 7), "rev", FieldFault::WrongType, Some(1));
    check(Draft::good().with("seq", 0).without("time"), "seq", FieldFault::Range, None);
    check(Draft::good().without("seq"), "seq", FieldFault::Missing, None);
    check(Draft::good().with("seq", u64::MAX), "seq", FieldFault::Range, None);
}

#[test]
fn unknown_fields_may_nest_to_the_limit_and_no_deeper() {
    // The body is one level itself.
    let nested = |levels: usize| (0..levels).fold(Cbor::Null, |inner, _| Cbor::Array(vec![inner]));
    let is_sound = |levels| Draft::good().with("x", nested(levels)).parse(|message| message.is_ok());
    assert!(is_sound(63));
    assert!(!is_sound(64));
}

#[test]
fn an_unknown_key_that_is_not_utf_8_spoils_the_frame() {
    let mut bytes = Draft::good().with("zz", Cbor::Null).bytes();
    let key = bytes.windows(3).position(|window| window == b"\x62zz").expect("the key");
    bytes[key + 1] = 0xff;
    let Ok(Frame::Message(message)) = Frame::parse(&bytes) else { panic!("a message") };
    let error = RepoMessage::parse(&message).map(|_| ()).expect_err("not utf-8");
    let at_key = CborError { fault: CborFault::Utf8, offset: key };
    assert_eq!(error, MessageError::Frame(FrameError::Body(at_key)));
}

#[test]
fn the_first_of_two_blocks_counts_in_a_large_car_too() {
    let mut draft = Draft::good();
    let (root, mut blocks) = (draft.root(), draft.blocks());
    let filler = (0..100u8).map(|number| (CidBuf::of_dag_cbor(&[number]), vec![number]));
    blocks.extend(filler);
    let (cid, block) = blocks.iter().find(|(cid, _)| *cid == root).expect("the commit").clone();
    let wrong = (cid, block.iter().map(|byte| byte ^ 1).collect::<Vec<_>>());
    let after = [blocks.clone(), vec![wrong.clone()]].concat();
    let before = [vec![wrong], blocks].concat();
    let draft = draft.with("blocks", Cbor::Bytes(car(car_header(&[root]), &after)));
    assert_eq!(draft.refusal(), None);
    let draft = draft.with("blocks", Cbor::Bytes(car(car_header(&[root]), &before)));
    assert!(matches!(draft.refusal(), Some(CheckError::Car(CarError::Hash { .. }))));
}

#[test]
fn ops_must_have_the_shape_of_their_action() {
    let mut draft = Draft::good();
    let cid = link(draft.root());
    let check = |action: &str, cid: Option<&Cbor>, prev: Option<&Cbor>, expected| {
        let mut op = vec![("action".into(), action.into()), ("path".into(), "a.b.c/x".into())];
        op.extend(cid.map(|cid| ("cid".into(), cid.clone())));
        op.extend(prev.map(|prev| ("prev".into(), prev.clone())));
        let draft = Draft::good().with("ops", Cbor::Array(vec![Cbor::Map(op)]));
        assert_eq!(draft.refusal(), expected, "{action} {cid:?} {prev:?}");
    };
    let wrong_shape = || Some(CheckError::OpShape { index: 0 });
    check("create", Some(&cid), None, None);
    check("create", Some(&cid), Some(&Cbor::Null), None);
    check("create", None, None, wrong_shape());
    check("create", Some(&cid), Some(&cid), wrong_shape());
    check("update", Some(&cid), None, None);
    check("update", Some(&cid), Some(&cid), None);
    check("update", Some(&Cbor::Null), Some(&cid), wrong_shape());
    check("delete", None, None, None);
    check("delete", Some(&Cbor::Null), Some(&cid), None);
    check("delete", Some(&cid), None, wrong_shape());
    check("upsert", Some(&cid), None, Some(CheckError::UnknownAction { index: 0 }));
}

#[test]
fn a_sync_is_held_against_its_commit_object_and_its_limits() {
    let sync = |pad: usize, rev: Option<&str>| {
        let mut draft = Draft::good();
        let (root, did, own_rev) = (draft.root(), draft.field("repo").clone(), draft.field("rev").clone());
        let mut blocks = draft.blocks();
        blocks.retain(|(cid, _)| *cid == root);
        if pad > 0 {
            blocks.push((CidBuf::of_dag_cbor(b"unused"), vec![0; pad]));
        }
        let blocks = car(car_header(&[root]), &blocks);
        let fields = [("seq", 7.into()), ("did", did), ("time", "t".into()), ("blocks", Cbor::Bytes(blocks))];
        let mut body: Vec<_> = fields.map(|(key, value)| (key.into(), value)).to_vec();
        body.push(("rev".into(), rev.map_or(own_rev, Into::into)));
        let header = Cbor::Map(vec![("t".into(), "#sync".into()), ("op".into(), 1.into())]);
        Draft { header, body }.parse(|message| {
            let Ok(RepoMessage::Sync(sync)) = message else { panic!("{message:?}") };
            let checked = Checker::new(HashScope::Used).sync(&sync, NOW_MICROS)?;
            Ok((checked.commit == root.as_cid(), checked.is_over_spec_len))
        })
    };
    assert_eq!(sync(0, None), Ok((true, false)));
    assert_eq!(sync(10_000, None), Ok((true, true)));
    assert!(matches!(sync(MAX_BLOCKS_LEN, None), Err(CheckError::BlocksTooLong { .. })));
    assert_eq!(sync(0, Some("3jzfcijpj2z2a")), Err(CheckError::RevMismatch));
    assert_eq!(sync(0, Some("yesterday")), Err(CheckError::RevSyntax));
    assert!(matches!(sync(0, Some("jzzzzzzzzzzzz")), Err(CheckError::RevFuture { .. })));
}

#[test]
fn lengths_in_a_car_are_written_as_short_as_can_be() {
    let mut draft = Draft::good();
    let (root, blocks) = (draft.root(), draft.blocks());
    let sound = car(car_header(&[root]), &blocks);
    let read = |bytes: &[u8]| BlockIndex::new().read(bytes).map(|car| car.len());
    assert_eq!(read(&sound), Ok(blocks.len()));
    let first_len = sound[59];
    assert!(first_len < 0x80, "one byte says the first length");
    let with_length = |length: &[u8]| [&sound[..59], length, &sound[60..]].concat();
    let malformed = Err(CarError::Varint { offset: 59 });
    assert_eq!(read(&with_length(&[first_len | 0x80, 0])), malformed);
    assert_eq!(read(&with_length(&[first_len | 0x80, 0x80, 0])), malformed);
    assert_eq!(read(&with_length(&[0x80; 9])), malformed);
    assert_eq!(read(&with_length(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])), malformed);
    let header_length = [&[sound[0] | 0x80, 0], &sound[1..]].concat();
    assert_eq!(read(&header_length), Err(CarError::Varint { offset: 0 }));
}
