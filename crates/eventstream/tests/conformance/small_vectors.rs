//! Vectors of a few bytes, typed in from the protocol's documents.

use standpipe_eventstream::{
    CborError, CborFault, CheckError, Cid, CidBuf, Codec, CommitObject, Datetime, Did, DidMethod, Frame,
    Handle, Nsid, RecordKey, RepoMessage, SyntaxError, Tid, UnknownFrame, cbor::Reader,
};

use crate::fixture::{base64, hex, sha256};

#[test]
fn error_frames_name_their_error() {
    let check = |bytes: &str, name: &str, message: Option<&str>| {
        let bytes = hex(bytes);
        let Ok(Frame::Error(error)) = Frame::parse(&bytes) else { panic!("an error frame") };
        assert_eq!((error.name, error.message), (name, message));
    };
    check("a1626f7020a1656572726f726c467574757265437572736f72", "FutureCursor", None);
    check(
        "a1626f7020a2656572726f726f436f6e73756d6572546f6f536c6f77676d65737361676560",
        "ConsumerTooSlow",
        Some(""),
    );
}

#[test]
fn an_info_frame_has_no_seq() {
    let bytes = hex("a261746523696e666f626f7001a1646e616d656e4f75746461746564437572736f72");
    let Ok(Frame::Message(message)) = Frame::parse(&bytes) else { panic!("a message") };
    let parsed = RepoMessage::parse(&message).expect("an info");
    assert_eq!(parsed.seq(), None);
    assert!(
        matches!(parsed, RepoMessage::Info(info) if info.name == "OutdatedCursor" && info.message.is_none())
    );
}

#[test]
fn an_unknown_op_is_to_be_skipped() {
    assert_eq!(Frame::parse(&hex("a26174622378626f7002a0")), Ok(Frame::Unknown(UnknownFrame::Op(2))));
}

#[test]
fn tree_nodes_have_the_cids_of_the_specification() {
    let check = |block: &str, cid: &str| {
        let named = CidBuf::of_dag_cbor(&hex(block));
        assert_eq!(named.to_string(), cid);
        assert_eq!(CidBuf::parse(cid), Ok(named));
        assert!(named.as_cid().names(&hex(block)));
    };
    check("a2616580616cf6", "bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm");
    check(
        "a2616581a4616b5820636f6d2e6578616d706c652e7265636f72642f336a716663717a6d33666f326a6170006174f66176d82a582500017112209d156bc3f3a520066252c708a9361fd3d089223842500e3713d404fdccb33cef616cf6",
        "bafyreibj4lsc3aqnrvphp5xmrnfoorvru4wynt6lwidqbm2623a6tatzdu",
    );
}

#[test]
fn a_commit_object_is_read_and_one_without_signature_is_refused() {
    let unsigned = "a56364696478206469643a706c633a696e67657374746573746161616161616161616161616161637265766d336d62667679726332653232336464617461d82a5825000171122063156da407c374644c5c759079fe0ede86c822aede4727be84b4bbce5021b27e6470726576f66776657273696f6e03";
    let sig = "4b11235e6ea66f06da7f2466b32124e12502d57c2b9b7706a8a77644bd8f4d6935eeae8867a7a91874519d9c020d2088cc37eae3453c8a08fa0bbe06ac7ed2be";
    let error = CommitObject::parse(&hex(unsigned)).expect_err("unsigned");
    assert_eq!(error.to_string(), "commit object field sig is unusable: missing");
    let signed =
        unsigned.replacen("a5", "a6", 1).replace("6464617461", &format!("637369675840{sig}6464617461"));
    let signed = hex(&signed);
    let object = CommitObject::parse(&signed).expect("a commit object");
    assert_eq!(object.did, "did:plc:ingesttestaaaaaaaaaaaaaa");
    assert_eq!(object.rev, "3mbfvyrc2e223");
    assert_eq!(object.data.to_string(), "bafyreiddcvw2ib6dorseyxdvsb474dw6q3ecflw6i4t35bfuxphfainspy");
    assert_eq!((object.prev, object.sig, object.block), (None, &hex(sig)[..], &signed[..]));
    assert_eq!(
        CidBuf::of_dag_cbor(&signed).to_string(),
        "bafyreic5yvpkl2aerygdzyn5acgvrkyetzopanom5fqxwkb4t6jkwvokea"
    );
    let of_version_2 = [&signed[..signed.len() - 1], &[2]].concat();
    assert_eq!(CommitObject::parse(&of_version_2), Err(CheckError::CommitVersion { version: 2 }));
}

#[test]
fn tids_are_unsigned_and_keep_time_and_order() {
    let check = |text: &str, value: u64| {
        let tid = Tid::parse(text).expect("a tid");
        assert_eq!((tid.value(), tid.to_string().as_str()), (value, text));
    };
    check("3jzfcijpj2z2a", 0x17fd_6873_eaf0_7c06);
    check("2222222222222", 0);
    check("jzzzzzzzzzzzz", u64::MAX);
    let (before, after) = (Tid::parse("3mbfvwy2ym223"), Tid::parse("3mbfvyrc2e223"));
    assert!(before.expect("a tid") < after.expect("a tid"));
    for text in ["", "3jzfcijpj2z21", "kjzfcijpj2z2a", "3JZFCIJPJ2Z2A", "3jzf-cij-pj2z-2a", "3jzfcijpj2z2"] {
        assert_eq!(Tid::parse(text), Err(SyntaxError::Tid), "{text}");
    }
}

#[test]
fn did_methods_are_told_apart() {
    let method = |text| Did::parse(text).expect("a did").method();
    assert_eq!(method("did:plc:7iza6de2dwap2sbkpav7c6c6"), DidMethod::Plc);
    assert_eq!(method("did:web:localhost%3A1234"), DidMethod::Web);
    assert_eq!(method("did:method::::val"), DidMethod::Other);
    for text in [
        "DID:method:val",
        "did:m123:val",
        "did:method:val%",
        "did:method:val#x",
        "did:method:",
        "did::val",
        "did:",
    ] {
        assert_eq!(Did::parse(text), Err(SyntaxError::Did), "{text}");
    }
}

#[test]
fn hashes_are_sha_256() {
    assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(sha256(&base64("YWJj")), sha256(b"abc"));
}

#[test]
fn only_blessed_cids_are_cids() {
    let check = |start: &str, expected: Option<Codec>| {
        let bytes = [hex(start), vec![7; 32]].concat();
        assert_eq!(Cid::from_slice(&bytes).map(Cid::codec), expected, "{start}");
    };
    check("01711220", Some(Codec::DagCbor));
    check("01551220", Some(Codec::Raw));
    check("01701220", None);
    check("01711320", None);
    check("01711221", None);
    check("02711220", None);
    assert_eq!(Cid::from_slice(&hex("01711220")), None);
    let short = [hex("01711220"), vec![7; 31]].concat();
    let long = [hex("01711220"), vec![7; 33]].concat();
    assert_eq!((Cid::from_slice(&short), Cid::from_slice(&long)), (None, None));
}

#[test]
fn identifiers_end_where_their_grammar_says() {
    let label = "a".repeat(63);
    let handle = |len: usize| format!("{label}.{label}.{label}.{}.ab", "b".repeat(len - 3 * 64 - 3));
    assert_eq!(handle(253).len(), 253);
    assert!(Handle::parse(&handle(253)).is_ok());
    assert_eq!(Handle::parse(&handle(254)), Err(SyntaxError::Handle));
    for text in ["cn.8", "org", "john.test.", "jo_hn.test", "127.0.0.1", "-a.test", "a-.test", "a..test", ""]
    {
        assert_eq!(Handle::parse(text), Err(SyntaxError::Handle), "{text}");
    }
    for text in ["XX.LCS.MIT.EDU", "8.cn", "john.t--t", "handle.invalid"] {
        assert!(Handle::parse(text).is_ok(), "{text}");
    }

    let nsid = |len: usize| format!("{label}.{label}.{label}.{label}.{}.a", "b".repeat(len - 4 * 64 - 2));
    assert_eq!(nsid(317).len(), 317);
    assert!(Nsid::parse(&nsid(317)).is_ok());
    assert_eq!(Nsid::parse(&nsid(318)), Err(SyntaxError::Nsid));
    for text in ["a.b.c", "cn.8.lex.stuff", "com.example.fooBarV2", "a-0.b-1.c"] {
        assert!(Nsid::parse(text).is_ok(), "{text}");
    }
    let long_segment = format!("a.{}.c", "b".repeat(64));
    let wrong = [
        "com.example",
        "a-0.b-1.c-3",
        "0two.example.foo",
        "com.example.foo.*",
        "a.b-.c",
        "a.-b.c",
        "a..c",
        "a.b.",
        ".a.b",
        "a.b.3",
        "",
    ];
    for text in wrong.into_iter().chain([long_segment.as_str()]) {
        assert_eq!(Nsid::parse(text), Err(SyntaxError::Nsid), "{text}");
    }

    assert!(RecordKey::parse(&"k".repeat(512)).is_ok());
    for text in ["", ".", "..", "a/b", "dHJ1ZQ==", "a b", "\u{e9}", &"k".repeat(513)] {
        assert_eq!(RecordKey::parse(text), Err(SyntaxError::RecordKey), "{text}");
    }
    for text in ["self", "...", ":", "~", "3jzfcijpj2z2a"] {
        assert!(RecordKey::parse(text).is_ok(), "{text}");
    }

    assert!(Did::parse(&format!("did:plc:{}", "a".repeat(2040))).is_ok());
    assert_eq!(Did::parse(&format!("did:plc:{}", "a".repeat(2041))), Err(SyntaxError::Did));
}

#[test]
fn datetimes_have_a_calendar_and_a_zone() {
    let good = [
        "1985-04-12T23:20:50.123Z",
        "1985-04-12T23:20:50.123-07:00",
        "0000-01-01T00:00:00.000Z",
        "2024-02-29T23:59:59.12345678901234567890+14:00",
    ];
    for text in good {
        assert!(Datetime::parse(text).is_ok(), "{text}");
    }
    let bad = [
        "1985-04-12t23:20:50Z",
        "1985-04-12T23:20:50+0000",
        "1985-04-12 23:20:50Z",
        "1985-04-12T23:20:50.Z",
        "1985-04-12T23:20:50",
        "1985-04-12T23:20:50-00:00",
        "1985-04-12T23:20:50+24:00",
        "1985-04-31T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1985-00-01T00:00:00Z",
        "1985-04-12T24:00:00Z",
        "1985-04-12T23:60:00Z",
        "1985-04-12T23:20:60Z",
        "0000-01-01T00:00:00+01:00",
        "2024-02-29T23:59:59.123456789012345678901Z",
        "-985-04-12T23:20:50Z",
        "1985-04-12T23:20:50Z\n",
    ];
    for text in bad {
        assert_eq!(Datetime::parse(text), Err(SyntaxError::Datetime), "{text}");
    }
}

#[test]
fn a_count_is_not_believed_beyond_the_bytes_that_are_left() {
    let truncated = |offset| Err(CborError { fault: CborFault::Truncated, offset });
    assert_eq!(Reader::new(&hex("9bffffffffffffffff")).array(), truncated(9));
    assert_eq!(Reader::new(&hex("8300")).array(), truncated(1));
    assert_eq!(Reader::new(&hex("820000")).array(), Ok(2));
    assert_eq!(Reader::new(&hex("a26000")).map(), truncated(1));
    assert_eq!(Reader::new(&hex("a16000")).map(), Ok(1));
    assert_eq!(Reader::new(&hex("5b7fffffffffffffff00")).bytes().map(<[u8]>::len), truncated(9));
}
